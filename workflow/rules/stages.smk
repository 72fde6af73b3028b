# The eight stages, in running order. Snakefile runs them once, study.smk for each variant and seed.


include: "common.smk"  # checked parameters; a check for a missing conda
include: "data.smk"  # download, explore_stats, preprocess
include: "training.smk"  # train_logreg, train_mlp, train_cnn
include: "results.smk"  # evaluate, report


outputs = [path for rule in workflow.rules for path in rule.output]
error = overwriting(own_file(parameters["download"]), outputs)
if error:
    sys.exit(error)
