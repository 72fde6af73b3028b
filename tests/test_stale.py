"""Whether results belong to parameters and code: dvc.yaml, dvc.lock, params.yaml by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_pipeline import FILES, HERE, Pipeline, change, edit, md5

from core.errors import UserError
from freshness.dvc_files import SHOWN, StageState, ran_again, stale_stages
from freshness.parameters import changed_parameters
from freshness.revision import find_revision


@pytest.fixture
def pipeline(tmp_path, monkeypatch) -> Pipeline:
    pipeline = Pipeline(tmp_path / "project")
    monkeypatch.chdir(pipeline.folder)
    return pipeline


SOUND = {"train": None, "evaluate": None}


def test_what_is_up_to_date_is_read_as_it_was_made(pipeline):
    assert pipeline.committed() == pipeline.states()
    assert pipeline.states() == {
        "train": StageState(
            None,
            ["python train.py --out model --epochs 3 --layers 8 8 --seed '1'"],
            {"seed": 1, "train.epochs": 3, "train.layers": [8, 8], "train.deep.rate": 0.1},
            {"train.py": md5(FILES["train.py"])},
            {"model": md5("model"), "log": md5("log")},
        ),
        "evaluate": StageState(
            None,
            ["python check.py", "python evaluate.py model"],
            {},
            {"evaluate.py": md5(FILES["evaluate.py"]), "model": md5("model")},
            {"scores": md5(FILES["scores"]), "curve": md5(FILES["curve"])},
        ),
    }


ONE_CHANGE = {
    "a parameter": (
        change(["parameters", "train", "epochs"], 4),
        {"train": "train.epochs was 3 and is 4"},
    ),
    "a parameter within two sections": (
        change(["parameters", "train", "deep"], {"rate": 0.2}),
        {"train": "train.deep.rate was 0.1 and is 0.2"},
    ),
    "a list": (
        change(["parameters", "train", "layers"], [8]),
        {"train": "train.layers was [8, 8] and is [8]"},
    ),
    "a new parameter": (
        change(["parameters", "train", "new"], 1),
        {"train": "train.new was none and is 1"},
    ),
    "a parameter gone": (
        change(["parameters", "train", "epochs"], None),
        {"train": "train.epochs was 3 and is none"},
    ),
    "a number that is no longer a text": (
        change(["locked", "train", "params", "params.yaml", "seed"], True),
        {"train": "seed was True and is 1"},
    ),
    "a parameter that no stage lists": (change(["parameters", "other"], 6), {}),
    "a section whose name begins the same": (change(["parameters", "training"], {"a": 1}), {}),
    "a listed key": (
        change(["declared", "train", "params"], ["seed", "train.epochs"]),
        {"train": "dvc.yaml no longer lists train.deep.rate; run dvc repro --force train"},
    ),
    "a script": (edit("train.py", "new"), {"train": "train.py has changed"}),
    "an input of two": (edit("evaluate.py", "new"), {"evaluate": "evaluate.py has changed"}),
    "an input gone": (edit("evaluate.py", None), {"evaluate": "evaluate.py is missing"}),
    "a metric edited": (edit("scores", "new"), {"evaluate": "scores has changed"}),
    "a plot edited": (edit("curve", "new"), {"evaluate": "curve has changed"}),
    "a metric gone, which git should hold": (
        edit("scores", None),
        {"evaluate": "scores is missing"},
    ),
    "an output that is at hand and another": (
        edit("model", "x"),
        {"train": "model has changed", "evaluate": "model has changed"},
    ),
    "an output that is at hand": (edit("model", "model"), {}),
    "an output of another run": (
        change(["locked", "train", "outs", 1, "md5"], md5("x")),
        {"evaluate": "model has changed"},
    ),
    "an output that git need not hold, and that nothing has recorded": (
        change(["declared", "train", "outs"], ["model", "log", "more"]),
        {"train": "dvc.lock does not list more"},
    ),
    "a new input": (
        change(["declared", "train", "deps"], ["train.py", "evaluate.py"]),
        {"train": "dvc.lock does not list evaluate.py"},
    ),
    "an input no longer listed": (
        change(["declared", "evaluate", "deps"], ["model"]),
        {"evaluate": "dvc.yaml no longer lists evaluate.py; run dvc repro --force evaluate"},
    ),
    "an output no longer listed": (
        change(["declared", "evaluate", "plots"], None),
        {"evaluate": "dvc.yaml no longer lists curve; run dvc repro --force evaluate"},
    ),
    "a stage not in dvc.lock": (
        change(["locked", "train"], None),
        {"train": "it is not in dvc.lock", "evaluate": "model is missing"},
    ),
    "a stage not in dvc.yaml": (
        change(["declared", "evaluate"], None),
        {"evaluate": "it is in dvc.lock but not in dvc.yaml; delete it from dvc.lock"},
    ),
    "two reasons": (
        lambda pipeline: (edit("scores", "new")(pipeline), edit("curve", "new")(pipeline)),
        {"evaluate": "scores has changed, and 1 more"},
    ),
    "three reasons, the parameter first": (
        lambda pipeline: (
            edit("train.py", "new")(pipeline),
            change(["parameters", "train", "epochs"], 4)(pipeline),
            edit("model", "other")(pipeline),
            edit("model", "model")(pipeline),
            edit("log", "other")(pipeline),
        ),
        {"train": "train.epochs was 3 and is 4, and 2 more"},
    ),
}


@pytest.mark.parametrize("kind", ONE_CHANGE)
def test_what_has_to_run_is_named(kind, pipeline):
    make, found = ONE_CHANGE[kind]
    make(pipeline)
    assert pipeline.reasons() == {**SOUND, **found}


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "a parameter",
            "an input gone",
            "a metric edited",
            "an output that is at hand and another",
        ),
        *("a metric gone, which git should hold", "an output of another run", "two reasons"),
    ],
)
def test_a_commit_is_read_as_the_folder_is(kind, pipeline):
    ONE_CHANGE[kind][0](pipeline)
    assert pipeline.committed() == pipeline.states()


COMMANDS = [
    ("a ${x} b", "a 1 2 b", True),
    ("a ${x} b", "a  b", True),
    ("a ${x} b", "a b", False),
    ("a ${x} b", "a 1 c", False),
    ("a ${x} b", "c 1 b", False),
    ("a ${x} b", "a 1 b c", False),
    ("a ${x} b", "0 a 1 b", False),
    ("${x}", "", True),
    ("${x}", "anything\nat all", True),
    ("a", "a", True),
    ("a", "a ", False),
    ("a", "b", False),
    ("a${x}b${y}c", "a1b2c", True),
    ("a${x}b${y}c", "abc", True),
    ("a${x}b${y}c", "a12c", False),
    ("a${x}b${y}c", "acb", False),
    ("a${x}b${y}b", "ab", False),
    ("a${x}b${y}b", "abb", True),
    ("a${x}ab", "ab", False),
    ("a${x.y[0]}b$z", "a1b$z", True),
    ("(${x})", "(1)", True),
    ("a.${x}", "ab1", False),
    (["a", "b ${x}"], ["a", "b 1"], True),
    (["a", "b ${x}"], ["b 1", "a"], False),
    (["a", "b"], ["a"], False),
    (["a"], ["a", "b"], False),
    ("a", ["a"], True),
]


@pytest.mark.parametrize(("declared", "recorded", "same"), COMMANDS)
def test_a_command_with_anything_for_its_parameters(declared, recorded, same, pipeline):
    pipeline.declared["evaluate"]["cmd"] = declared
    pipeline.locked["evaluate"]["cmd"] = recorded
    reason = None if same else "its command has changed"
    assert pipeline.reasons() == {**SOUND, "evaluate": reason}


@given(st.lists(st.text("ab ", max_size=3), min_size=2, max_size=5), st.data())
def test_what_is_put_into_a_command_fits_it(parts, data):
    from freshness.dvc_files import (
        _fits,  # the rule alone: each example of the whole would be a commit
    )

    values = [data.draw(st.text("ab $", max_size=3)) for _ in parts[1:]]
    pieces = [parts[0], *(f"{value}{part}" for value, part in zip(values, parts[1:], strict=True))]
    assert _fits("${x}".join(parts), "".join(pieces))
    assert not _fits("${x}".join([*parts, "c"]), "".join(pieces))
    assert not _fits("${x}".join(["c", *parts]), "".join(pieces))


@pytest.mark.parametrize("place", ["/data/letters", "../letters", "data/letters"])
def test_own_data_that_a_parameter_names_is_not_looked_for(place, pipeline):
    """It lies anywhere, and git does not hold it; which path it is, and was, is judged."""
    pipeline.parameters["train"]["path"] = place
    pipeline.declared["train"]["deps"] += ["${train.path}"]
    pipeline.locked["train"]["params"]["params.yaml"]["train"]["path"] = place
    pipeline.locked["train"]["deps"] += [{"path": place, "hash": "md5", "md5": md5("a")}]
    assert pipeline.reasons() == SOUND
    assert pipeline.states()["train"].inputs[place] == md5("a")
    pipeline.parameters["train"]["path"] = "elsewhere"
    assert pipeline.reasons()["train"] == f"train.path was {place} and is elsewhere"
    pipeline.parameters["train"]["path"] = ["a"]
    with pytest.raises(UserError, match="allowed: text"):
        pipeline.states()


def test_ran_again_says_what_was_changed(pipeline):
    before = pipeline.states()
    assert ran_again(before, before) == {}
    pipeline.parameters["train"]["epochs"] = 4
    pipeline.locked["train"]["params"]["params.yaml"]["train"]["epochs"] = 4
    pipeline.locked["train"]["outs"][1]["md5"] = md5("x")
    pipeline.locked["evaluate"]["deps"][1]["md5"] = md5("x")
    pipeline.locked["evaluate"]["deps"][0]["md5"] = md5("new")
    edit("evaluate.py", "new")(pipeline)
    here = pipeline.states()
    assert here["train"].stale is None
    assert ran_again(before, here) == {
        "train": ["train.epochs"],
        "evaluate": ["evaluate.py", "model"],
    }
    assert ran_again({}, here) == {"train": ["new"], "evaluate": ["new"]}
    assert ran_again(here, {}) == {"train": ["removed"], "evaluate": ["removed"]}
    one = StageState(None, ["a"], {"x": 1, "gone": 2}, {"in": "1"}, {"out": "1"})
    assert ran_again(
        {"s": one}, {"s": StageState(None, ["b"], {"x": 1, "gone": 2}, {"in": "1"})}
    ) == {"s": ["command"]}
    assert ran_again({"s": one}, {"s": StageState(None, ["b"], {"x": 2}, {"in": "2"})}) == {
        "s": ["x", "gone", "in"]
    }
    other = StageState(None, ["a"], {"x": 1, "gone": 2}, {"in": "1"}, {"out": "2"})
    nothing = ["no dependency in dvc.lock, but the results differ"]
    assert ran_again({"s": one}, {"s": other}) == {"s": nothing}
    timed = ("provenance/a.json", "models/a/training.json", "reports/comparison.html")
    first, again = (
        StageState(inputs=dict.fromkeys(timed, md5), outputs=dict.fromkeys(timed, md5))
        for md5 in ("1", "2")
    )
    assert ran_again({"s": first}, {"s": again}) == {}  # durations differ each time


def test_results_that_no_stage_makes():
    known = StageState(None, outputs=dict.fromkeys(SHOWN[1:]))
    assert stale_stages({"a": known, "b": StageState("why")}) == [
        "b must be rerun: why",
        f"{SHOWN[0]} is not an output of a stage in dvc.yaml",
    ]


def test_changed_parameters_are_those_whose_values_differ(pipeline):
    pipeline.write()
    pipeline.repository.commit("base")
    assert changed_parameters(find_revision("main"), HERE) == {}
    pipeline.parameters = {"seed": "1", "new": {"a": None, "b": [1]}, "train": {"epochs": 3}}
    pipeline.write()
    assert changed_parameters(find_revision("main"), HERE) == {
        "seed": ("1", "1"),
        "new.b": ("none", "[1]"),
        "train.layers": ("[8, 8]", "none"),
        "train.deep.rate": ("0.1", "none"),
        "other": ("5", "none"),
    }
