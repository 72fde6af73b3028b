# From the source to what the models take: download, explore_stats, preprocess.


rule download:
    input:
        "scripts/download.py",
        "scripts/shared/command_line.py",
        "scripts/shared/dataset.py",
        "scripts/shared/files.py",
        "scripts/shared/npz.py",
        "scripts/sources/digits.py",
        "scripts/sources/idx.py",
        "scripts/sources/mnist.py",
    output:
        output="data/raw/dataset.npz",
    log:
        "logs/download.log",
    conda:
        "../envs/light.yaml"
    params:
        flags=as_flags(parameters["download"]),
    shell:
        "python scripts/download.py" " --output {output.output}" " {params.flags} > {log} 2>&1"


rule explore_stats:
    input:
        "scripts/explore_stats.py",
        "scripts/shared/command_line.py",
        "scripts/shared/dataset.py",
        "scripts/shared/drawing.py",
        "scripts/shared/files.py",
        "scripts/shared/npz.py",
        "scripts/shared/significance.py",
        dataset="data/raw/dataset.npz",
    output:
        stats="reports/stats.json",
        train_samples=report(
            "reports/figures/train_samples.svg", caption="../report/samples.rst", category="Data"
        ),
        test_samples=report(
            "reports/figures/test_samples.svg", caption="../report/samples.rst", category="Data"
        ),
        class_histogram=report(
            "reports/figures/class_histogram.svg", caption="../report/classes.rst", category="Data"
        ),
    log:
        "logs/explore_stats.log",
    conda:
        "../envs/light.yaml"
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
        " --seed {params.seed} {params.flags} > {log} 2>&1"


rule preprocess:
    input:
        "scripts/preprocess.py",
        "scripts/shared/command_line.py",
        "scripts/shared/dataset.py",
        "scripts/shared/files.py",
        "scripts/shared/npz.py",
        "scripts/shared/split.py",
        dataset="data/raw/dataset.npz",
    output:
        train="data/processed/train.npz",
        validation="data/processed/validation.npz",
        test="data/processed/test.npz",
    log:
        "logs/preprocess.log",
    conda:
        "../envs/light.yaml"
    params:
        seed=parameters["seed"],
        flags=as_flags(parameters["preprocess"]),
    shell:
        "python scripts/preprocess.py"
        " --dataset {input.dataset}"
        " --train {output.train}"
        " --validation {output.validation}"
        " --test {output.test}"
        " --seed {params.seed} {params.flags} > {log} 2>&1"
