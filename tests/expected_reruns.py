"""What a change of a key or of a script has to rerun; and such a change."""

from pathlib import Path

from conftest import ROOT, Project
from ruamel.yaml import YAML
from test_dags import STAGES, imported_modules

# By hand, so that the DAG files are checked against what we mean and not against themselves.
FOLLOWERS = {
    "download": set(STAGES) - {"download"},
    "explore_stats": {"report"},
    "preprocess": {"train_logreg", "train_mlp", "train_cnn", "evaluate", "report"},
    "train_logreg": {"evaluate", "report"},
    "train_mlp": {"evaluate", "report"},
    "train_cnn": {"evaluate", "report"},
    "evaluate": {"report"},
    "report": set(),
}
KERAS = {"train_mlp", "train_cnn", "evaluate"}
ENVIRONMENTS = {"light": set(STAGES) - KERAS, "tensorflow": KERAS}
SEEDED = {"explore_stats", "preprocess", "train_mlp", "train_cnn", "evaluate", "report"}
PARAMETERS = YAML(typ="safe").load(ROOT / "params.yaml")
OTHER_VALUES = {
    "download.path": "envs",
    "download.resize": [16, 16],
    "download.transpose": True,
    "download.dataset": "mnist",
    "explore_stats.label_folds": 5,
    "preprocess.train_size": 299,
    "preprocess.hold_out": 9,
    "train_mlp.hidden": [17],
    "train_mlp.activation": "tanh",
    "train_cnn.architecture": "fast",
    **{f"train_{name}.calibration": "none" for name in ("logreg", "mlp", "cnn")},
}
# For what is left to the recipe.
OWN_VALUES = {
    **{"optimizer": "sgd", "schedule": "constant", "precision": "float32"},
    **{"epochs": 2, "batch_size": 17, "shift": 1, "test_time_shift": 1},
}


def with_followers(stages: set[str]) -> set[str]:
    return stages.union(*(FOLLOWERS[stage] for stage in stages))


def affected_by_key(key: str) -> set[str]:
    if key in ("download.timeout", "download.attempts"):
        return set()
    return with_followers(SEEDED if key == "seed" else {key.split(".")[0]})


def affected_by_script(script: str) -> set[str]:
    """By the records, which name what a stage has read."""
    if script.startswith("scripts/templates/"):
        return {"report"}
    return with_followers({stage for stage in STAGES if script in imported_modules(stage)})


def affected_by_folder(script: str) -> set[str]:
    """By dvc.yaml, which names folders."""
    folder = Path(script).parent
    users = {stage for stage in STAGES if folder in map(Path, folders_of(stage))}
    return with_followers(users) | affected_by_script(script)


def folders_of(stage: str) -> set[str]:
    """The folders of the modules that a stage imports."""
    return {str(Path(path).parent) for path in imported_modules(stage)} - {"scripts"}


def change_key(project: Project, key: str) -> None:
    if key == "seed":
        return project.change(seed=PARAMETERS["seed"] + 1)
    section, name = key.split(".")
    value = PARAMETERS[section][name]
    if value == "recipe":
        other = OWN_VALUES.get(name, 0.01)
    else:
        other = OTHER_VALUES.get(key) or (value + 1 if isinstance(value, int) else value / 2)
    return project.change(**{section: {name: other}})
