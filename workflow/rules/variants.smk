# The rules of the pipeline for each run of a study: the same commands, with inputs and outputs in
# study/STAGE/ID/. This file is in rules/, because conda environments have paths relative to it.


use rule pipeline_download as download with:
    input:
        "scripts/download.py",
        environment=runs.environment("download"),
        own=runs.own_dataset,
    output:
        output="study/download/{id}/dataset.npz",
        provenance="study/download/{id}/provenance.json",
    log:
        "logs/study/download_{id}.log",
    params:
        flags=runs.flags("download"),


use rule pipeline_preprocess as preprocess with:
    input:
        "scripts/preprocess.py",
        environment=runs.environment("preprocess"),
        dataset=runs.before("preprocess", "dataset.npz"),
    output:
        train="study/preprocess/{id}/train.npz",
        validation="study/preprocess/{id}/validation.npz",
        test="study/preprocess/{id}/test.npz",
        held_out="study/preprocess/{id}/held_out.npz",
        provenance="study/preprocess/{id}/provenance.json",
    log:
        "logs/study/preprocess_{id}.log",
    params:
        seed=runs.seed("preprocess"),
        flags=runs.flags("preprocess"),


use rule pipeline_train_logreg as train_logreg with:
    input:
        "scripts/train_logreg.py",
        environment=runs.environment("train_logreg"),
        train=runs.before("train_logreg", "train.npz"),
        validation=runs.before("train_logreg", "validation.npz"),
    output:
        model="study/train_logreg/{id}/model.npz",
        history="study/train_logreg/{id}/history.csv",
        record="study/train_logreg/{id}/training.json",
        provenance="study/train_logreg/{id}/provenance.json",
    log:
        "logs/study/train_logreg_{id}.log",
    threads: runs.threads("train_logreg")
    params:
        flags=runs.flags("train_logreg"),


use rule pipeline_train_mlp as train_mlp with:
    input:
        "scripts/train_mlp.py",
        environment=runs.environment("train_mlp"),
        train=runs.before("train_mlp", "train.npz"),
        validation=runs.before("train_mlp", "validation.npz"),
    output:
        network="study/train_mlp/{id}/network.json",
        weights="study/train_mlp/{id}/network.weights.npz",
        history="study/train_mlp/{id}/history.csv",
        record="study/train_mlp/{id}/training.json",
        provenance="study/train_mlp/{id}/provenance.json",
    log:
        "logs/study/train_mlp_{id}.log",
    threads: runs.threads("train_mlp")
    params:
        seed=runs.seed("train_mlp"),
        flags=runs.flags("train_mlp"),


use rule pipeline_train_cnn as train_cnn with:
    input:
        "scripts/train_cnn.py",
        environment=runs.environment("train_cnn"),
        train=runs.before("train_cnn", "train.npz"),
        validation=runs.before("train_cnn", "validation.npz"),
    output:
        network="study/train_cnn/{id}/network.json",
        weights="study/train_cnn/{id}/network.weights.npz",
        history="study/train_cnn/{id}/history.csv",
        record="study/train_cnn/{id}/training.json",
        provenance="study/train_cnn/{id}/provenance.json",
    log:
        "logs/study/train_cnn_{id}.log",
    threads: runs.threads("train_cnn")
    params:
        seed=runs.seed("train_cnn"),
        flags=runs.flags("train_cnn"),


use rule pipeline_evaluate as evaluate with:
    input:
        "scripts/evaluate.py",
        runs.model,
        environment=runs.environment("evaluate"),
        test=runs.split("test"),
        validation=runs.split("validation"),
        held_out=runs.split("held_out"),
    output:
        evaluation="study/evaluate/{id}/evaluation.npz",
        failures="study/evaluate/{id}/failures.csv",
        reliability="study/evaluate/{id}/reliability.json",
        metrics="study/evaluate/{id}/metrics.json",
        summary="study/evaluate/{id}/summary.json",
        provenance="study/evaluate/{id}/provenance.json",
    log:
        "logs/study/evaluate_{id}.log",
    threads: runs.threads("evaluate")
    params:
        models=runs.model_folder,
        seed=runs.seed("evaluate"),
        flags=runs.flags("evaluate"),
