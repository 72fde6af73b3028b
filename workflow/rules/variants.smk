# The pipeline's rules for each run of a study: what they run, and where, is as it was; what they read
# and write is in study/STAGE/ID/. In this folder, since environments are looked for from here.


use rule pipeline_download as download with:
    input:
        script("download"),
        environment=environment("download"),
        own=own_dataset,
    output:
        output="study/download/{id}/dataset.npz",
        provenance="study/download/{id}/provenance.json",
    log:
        "logs/study/download_{id}.log",
    params:
        flags=flags("download"),


use rule pipeline_preprocess as preprocess with:
    input:
        script("preprocess"),
        environment=environment("preprocess"),
        dataset=before("preprocess", "dataset.npz"),
    output:
        train="study/preprocess/{id}/train.npz",
        validation="study/preprocess/{id}/validation.npz",
        test="study/preprocess/{id}/test.npz",
        provenance="study/preprocess/{id}/provenance.json",
    log:
        "logs/study/preprocess_{id}.log",
    params:
        seed=seed("preprocess"),
        flags=flags("preprocess"),


use rule pipeline_train_logreg as train_logreg with:
    input:
        script("train_logreg"),
        environment=environment("train_logreg"),
        train=before("train_logreg", "train.npz"),
        validation=before("train_logreg", "validation.npz"),
    output:
        model="study/train_logreg/{id}/model.npz",
        history="study/train_logreg/{id}/history.csv",
        record="study/train_logreg/{id}/training.json",
        provenance="study/train_logreg/{id}/provenance.json",
    log:
        "logs/study/train_logreg_{id}.log",
    threads: threads("train_logreg")
    params:
        flags=flags("train_logreg"),


use rule pipeline_train_mlp as train_mlp with:
    input:
        script("train_mlp"),
        environment=environment("train_mlp"),
        train=before("train_mlp", "train.npz"),
        validation=before("train_mlp", "validation.npz"),
    output:
        network="study/train_mlp/{id}/network.json",
        weights="study/train_mlp/{id}/network.weights.npz",
        history="study/train_mlp/{id}/history.csv",
        record="study/train_mlp/{id}/training.json",
        provenance="study/train_mlp/{id}/provenance.json",
    log:
        "logs/study/train_mlp_{id}.log",
    threads: threads("train_mlp")
    params:
        seed=seed("train_mlp"),
        flags=flags("train_mlp"),


use rule pipeline_train_cnn as train_cnn with:
    input:
        script("train_cnn"),
        environment=environment("train_cnn"),
        train=before("train_cnn", "train.npz"),
        validation=before("train_cnn", "validation.npz"),
    output:
        network="study/train_cnn/{id}/network.json",
        weights="study/train_cnn/{id}/network.weights.npz",
        history="study/train_cnn/{id}/history.csv",
        record="study/train_cnn/{id}/training.json",
        provenance="study/train_cnn/{id}/provenance.json",
    log:
        "logs/study/train_cnn_{id}.log",
    threads: threads("train_cnn")
    params:
        seed=seed("train_cnn"),
        flags=flags("train_cnn"),


use rule pipeline_evaluate as evaluate with:
    input:
        script("evaluate"),
        trained,
        environment=environment("evaluate"),
        test=test_images,
    output:
        evaluation="study/evaluate/{id}/evaluation.npz",
        failures="study/evaluate/{id}/failures.csv",
        reliability="study/evaluate/{id}/reliability.json",
        metrics="study/evaluate/{id}/metrics.json",
        provenance="study/evaluate/{id}/provenance.json",
    log:
        "logs/study/evaluate_{id}.log",
    threads: threads("evaluate")
    params:
        models=lambda wildcards: folder(find_run("evaluate", wildcards).before),
        flags=flags("evaluate"),
