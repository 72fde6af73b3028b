# The data: download, explore_stats, preprocess.


rule download:
    input:
        "scripts/download.py",
        environment="envs/light.yaml",
        own=[path for path in [own_file(parameters["download"])] if path and exists(path)],
    output:
        output=update("data/raw/dataset.npz"),
        provenance=update("provenance/download.json"),
    log:
        "logs/download.log",
    conda:
        "../../envs/light.yaml"
    params:
        flags=as_flags(parameters["download"]),
    shell:
        "python scripts/download.py"
        " --output {output.output}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} > {log} 2>&1"


rule explore_stats:
    input:
        "scripts/explore_stats.py",
        environment="envs/light.yaml",
        dataset="data/raw/dataset.npz",
    output:
        stats=update("reports/stats.json"),
        train_samples=report(
            update("reports/figures/train_samples.svg"),
            caption="../report/samples.rst",
            category="Data",
            labels={"figure": "training images"},
        ),
        test_samples=report(
            update("reports/figures/test_samples.svg"),
            caption="../report/samples.rst",
            category="Data",
            labels={"figure": "test images"},
        ),
        class_histogram=report(
            update("reports/figures/class_histogram.svg"),
            caption="../report/classes.rst",
            category="Data",
            labels={"figure": "classes"},
        ),
        labels=report(
            update("reports/labels.csv"),
            caption="../report/labels.rst",
            category="Data",
            labels={"result": "labels to check"},
        ),
        provenance=update("provenance/explore_stats.json"),
    log:
        "logs/explore_stats.log",
    conda:
        "../../envs/light.yaml"
    params:
        seed=parameters["seed"],
        flags=as_flags(parameters["explore_stats"]),
    shell:
        "python scripts/explore_stats.py"
        " --dataset {input.dataset}"
        " --stats {output.stats}"
        " --train_samples {output.train_samples}"
        " --test_samples {output.test_samples}"
        " --class_histogram {output.class_histogram}"
        " --labels {output.labels}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} --seed '{params.seed}' > {log} 2>&1"


rule preprocess:
    input:
        "scripts/preprocess.py",
        environment="envs/light.yaml",
        dataset="data/raw/dataset.npz",
    output:
        train=update("data/processed/train.npz"),
        validation=update("data/processed/validation.npz"),
        test=update("data/processed/test.npz"),
        held_out=update("data/processed/held_out.npz"),
        provenance=update("provenance/preprocess.json"),
    log:
        "logs/preprocess.log",
    conda:
        "../../envs/light.yaml"
    params:
        seed=parameters["seed"],
        flags=as_flags(parameters["preprocess"]),
    shell:
        "python scripts/preprocess.py"
        " --dataset {input.dataset}"
        " --train {output.train}"
        " --validation {output.validation}"
        " --test {output.test}"
        " --held_out {output.held_out}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} --seed '{params.seed}' > {log} 2>&1"
