# Evaluation of the models: evaluate, report.


rule evaluate:
    input:
        "scripts/evaluate.py",
        "models/logreg/model.npz",
        "models/mlp/network.json",
        "models/mlp/network.weights.npz",
        "models/cnn/network.json",
        "models/cnn/network.weights.npz",
        environment="envs/tensorflow.yaml",
        test="data/processed/test.npz",
        validation="data/processed/validation.npz",
        held_out="data/processed/held_out.npz",
    output:
        evaluation=update("reports/evaluation.npz"),
        failures=report(
            update("reports/failures.csv"),
            caption="../report/failures.rst",
            category="Comparison",
            labels={"result": "misclassified images"},
        ),
        reliability=update("reports/reliability.json"),
        summary=update("reports/summary.json"),
        metrics=report(
            update("reports/metrics.json"),
            caption="../report/metrics.rst",
            category="Comparison",
            labels={"result": "metrics"},
        ),
        provenance=update("provenance/evaluate.json"),
    log:
        "logs/evaluate.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: parameters["evaluate"]["threads"]
    params:
        models="models/logreg models/mlp models/cnn",
        seed=parameters["seed"],
        flags=as_flags(parameters["evaluate"]),
    shell:
        "python scripts/evaluate.py"
        " --test {input.test}"
        " --validation {input.validation}"
        " --held_out {input.held_out}"
        " --models {params.models}"
        " --metrics {output.metrics} --summary {output.summary}"
        " --failures {output.failures}"
        " --reliability {output.reliability}"
        " --evaluation {output.evaluation}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} --seed '{params.seed}' > {log} 2>&1"


rule report:
    input:
        "scripts/report.py",
        "models/logreg/history.csv",
        "models/logreg/training.json",
        "models/mlp/history.csv",
        "models/mlp/training.json",
        "models/cnn/history.csv",
        "models/cnn/training.json",
        environment="envs/light.yaml",
        test="data/processed/test.npz",
        evaluation="reports/evaluation.npz",
        metrics="reports/metrics.json",
        failed="reports/failures.csv",
        stats="reports/stats.json",
        train_samples="reports/figures/train_samples.svg",
        test_samples="reports/figures/test_samples.svg",
        class_histogram="reports/figures/class_histogram.svg",
    output:
        html=report(
            update("reports/comparison.html"),
            caption="../report/comparison.rst",
            category="Comparison",
            labels={"result": "comparison of the models"},
        ),
        markdown=update("reports/comparison.md"),
        provenance=update("provenance/report.json"),
    log:
        "logs/report.log",
    conda:
        "../../envs/light.yaml"
    params:
        seed=parameters["seed"],
        flags=as_flags(parameters["report"]),
    shell:
        "python scripts/report.py"
        " --test {input.test}"
        " --models models/logreg models/mlp models/cnn"
        " --evaluation {input.evaluation}"
        " --metrics {input.metrics}"
        " --failed {input.failed}"
        " --stats {input.stats}"
        " --train_samples {input.train_samples}"
        " --test_samples {input.test_samples}"
        " --class_histogram {input.class_histogram}"
        " --templates scripts/templates"
        " --html {output.html}"
        " --markdown {output.markdown}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} --seed '{params.seed}' > {log} 2>&1"
