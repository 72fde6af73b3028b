# Studies: the pipeline's rules over the parameters and seeds of study.yaml. What runs of a stage have
# in common is run once, in study/STAGE/ID/. The page is drawn from whatever has been made.

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


module pipeline:
    snakefile:
        "rules/stages.smk"


use rule * from pipeline exclude explore_stats, report as pipeline_*


include: "rules/plan.smk"  # which runs there are
include: "rules/variants.smk"  # download, preprocess, train_logreg, train_mlp, train_cnn, evaluate
include: "rules/study_reruns.smk"  # what is not up to date; one study at a time; the page


# Below, where inputs are no longer ancient: the page follows every run.
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
