# Training: train_logreg, train_mlp, train_cnn.


rule train_logreg:
    input:
        "scripts/train_logreg.py",
        environment="envs/light.yaml",
        train="data/processed/train.npz",
        validation="data/processed/validation.npz",
    output:
        model=update("models/logreg/model.npz"),
        history=update("models/logreg/history.csv"),
        record=update("models/logreg/training.json"),
        provenance=update("provenance/train_logreg.json"),
    log:
        "logs/train_logreg.log",
    conda:
        "../../envs/light.yaml"
    threads: parameters["train_logreg"]["threads"]
    params:
        flags=as_flags(parameters["train_logreg"]),
    shell:
        "python scripts/train_logreg.py"
        " --train {input.train}"
        " --validation {input.validation}"
        " --model {output.model}"
        " --history {output.history}"
        " --record {output.record}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} > {log} 2>&1"


rule train_mlp:
    input:
        "scripts/train_mlp.py",
        environment="envs/tensorflow.yaml",
        train="data/processed/train.npz",
        validation="data/processed/validation.npz",
    output:
        network=update("models/mlp/network.json"),
        weights=update("models/mlp/network.weights.npz"),
        history=update("models/mlp/history.csv"),
        record=update("models/mlp/training.json"),
        provenance=update("provenance/train_mlp.json"),
    log:
        "logs/train_mlp.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: parameters["train_mlp"]["threads"]
    params:
        seed=parameters["seed"],
        flags=as_flags(parameters["train_mlp"]),
    shell:
        "python scripts/train_mlp.py"
        " --train {input.train}"
        " --validation {input.validation}"
        " --network {output.network}"
        " --weights {output.weights}"
        " --history {output.history}"
        " --record {output.record}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} --seed '{params.seed}' > {log} 2>&1"


rule train_cnn:
    input:
        "scripts/train_cnn.py",
        environment="envs/tensorflow.yaml",
        train="data/processed/train.npz",
        validation="data/processed/validation.npz",
    output:
        network=update("models/cnn/network.json"),
        weights=update("models/cnn/network.weights.npz"),
        history=update("models/cnn/history.csv"),
        record=update("models/cnn/training.json"),
        provenance=update("provenance/train_cnn.json"),
    log:
        "logs/train_cnn.log",
    conda:
        "../../envs/tensorflow.yaml"
    threads: parameters["train_cnn"]["threads"]
    params:
        seed=parameters["seed"],
        flags=as_flags(parameters["train_cnn"]),
    shell:
        "python scripts/train_cnn.py"
        " --train {input.train}"
        " --validation {input.validation}"
        " --network {output.network}"
        " --weights {output.weights}"
        " --history {output.history}"
        " --record {output.record}"
        " --environment {input.environment}"
        " --provenance {output.provenance}"
        " {params.flags} --seed '{params.seed}' > {log} 2>&1"
