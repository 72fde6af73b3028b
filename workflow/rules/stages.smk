# The eight stages, in the order they run. Snakefile runs them once, study.smk over a grid.


include: "common.smk"  # parameters, checked; the guard for a missing conda
include: "data.smk"  # download, explore_stats, preprocess
include: "training.smk"  # train_logreg, train_mlp, train_cnn
include: "results.smk"  # evaluate, report


outputs = [path for rule in workflow.rules for path in rule.output]
error = overwriting(own_file(parameters["download"]), outputs)
if error:
    sys.exit(error)
