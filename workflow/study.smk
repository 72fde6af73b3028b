# Studies: the rules of the pipeline, for the parameters and seeds of study.yaml. A stage that
# several variants share runs once, in study/STAGE/ID/. The page shows all finished runs.

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


module pipeline:
    snakefile:
        "rules/stages.smk"


use rule * from pipeline exclude explore_stats, report as pipeline_*


include: "rules/plan.smk"  # the runs of the studies
include: "rules/variants.smk"  # download, preprocess, train_logreg, train_mlp, train_cnn, evaluate
include: "rules/study_reruns.smk"  # reruns what is out of date; allows one study at a time


# This rule is below study_reruns.smk, which turns off `ancient`: the page is written after any run.
localrules:
    study,


rule study:
    default_target: True
    input:
        [runs.path(run, "metrics.json") for run in runs.by_stage["evaluate"].values()],
    log:
        "logs/study/study.log",
    conda:
        "../envs/light.yaml"
    params:
        command=PAGE,
    shell:
        "{params.command} > {log} 2>&1"
