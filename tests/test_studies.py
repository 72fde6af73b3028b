"""Studies: what study.yaml may say, which runs it means, and what they came to."""

import json
from pathlib import Path

import pytest
from conftest import ROOT

import studies
from core.parameters import read_yaml
from study.runs import Run, Table, Variant, read_tables
from study.study_page import render

MODELS = ["logreg", "mlp", "cnn"]
PARAMETERS = read_yaml(ROOT / "params.yaml")


def read(tmp_path: Path, text: str) -> list[studies.Study]:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return studies.read_studies(path, PARAMETERS, MODELS)[0]


def planned(tmp_path: Path, text: str) -> dict[tuple[str, str, int], list[str]]:
    """The ids of each run's stages, by variant, model and seed."""
    path = tmp_path / "study.yaml"
    runs = [
        (study["variants"][run["variant"]]["name"], run)
        for study in studies.plan(path, read(tmp_path, text), PARAMETERS)
        for run in study["runs"]
    ]
    return {
        (name, run["model"], run["seed"]): [step.id for step in run["chain"]] for name, run in runs
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "study.yaml: empty"),
        ("studies: {}", "studies: {} is not allowed; allowed: one or more studies, with names"),
        ("studies: {a: {seeds: []}}", "studies.a.seeds: [] is not allowed; allowed: a list of one"),
        ("studies: {a: {seeds: [1, 1]}}", "studies.a.seeds: [1, 1] is not allowed"),
        ("studies: {a: {seeds: [1.0]}}", "studies.a.seeds.0: 1.0 is not allowed; allowed: a whole"),
        ("studies: {a: {seeds: [-1]}}", "a whole number from 0 to 4294967295"),
        ("studies: {a: {}}", "studies.a: {} is not allowed; allowed: seeds, and optionally models"),
        (
            "studies: {a: {seeds: [1], gird: {}}}",
            "studies.a: gird is unknown; allowed: models, seeds, variants, grid",
        ),
        ("study: {}\nstudies: {a: {seeds: [1]}}", "study is unknown; allowed: ask_above, studies"),
        (
            "studies: {a: {seeds: [1], grid: {train_logreg.C: [0.1, 1, '1']}}}",
            "studies.a.grid.train_logreg.C: 1 is listed twice; allowed: each once",
        ),
        ('studies: {"a\\ud800": {seeds: [1]}}', "is not allowed; allowed: a name of 1 to 80"),
        ('studies: {"a\\u202e": {seeds: [1]}}', "is not allowed; allowed: a name of 1 to 80"),
        ('studies: {" ": {seeds: [1]}}', "is not allowed; allowed: a name of 1 to 80"),
        ("studies: {a: {seeds: [1], grid: {}}}", "studies.a.grid: {} is not allowed"),
        (
            "studies: {a: {seeds: [1], grid: {train_mlp.epochs: []}}}",
            "studies.a.grid.train_mlp.epochs: [] is not allowed; allowed: a list of one or",
        ),
        (
            "studies: {a: {seeds: [1], models: [svm]}}",
            "studies.a: models: svm is unknown; allowed: logreg, mlp, cnn",
        ),
        (
            "studies: {a: {seeds: [1], grid: {train_mlp.epohcs: [1]}}}",
            "studies.a.grid: train_mlp.epohcs: unknown parameter (1); allowed: hidden, activation",
        ),
        (
            "studies: {a: {seeds: [1], variants: {b: {trian_mlp.epochs: 1}}}}",
            "studies.a.variants.b: trian_mlp.epochs: unknown parameter; allowed: keys of download",
        ),
        (
            "studies: {a: {seeds: [1], variants: {b: {report.failures: 9}}}}",
            "report.failures: no model of the study depends on it; allowed: keys of download",
        ),
        (
            "studies: {a: {seeds: [1], models: [mlp], variants: {b: {train_cnn.epochs: 9}}}}",
            "train_cnn.epochs: no model of the study depends on it",
        ),
        (
            "studies: {a: {seeds: [1], variants: {b: {train_mlp.epochs: -3}}}}",
            "studies.a.variants.b: train_mlp.epochs: -3 is not allowed; allowed: a whole number",
        ),
        (
            "studies: {a: {seeds: [1], variants: {b: {seed: 3}}}}",
            "'seed' is not allowed; allowed: section.key, such as train_mlp.epochs",
        ),
        (
            "studies: {a: {seeds: [1], variants: {b: {train_mlp.epochs: 3}},"
            " grid: {train_mlp.epochs: [1]}}}",
            "studies.a.variants.b: train_mlp.epochs is also in the grid",
        ),
        ('studies: {"a\\nb": {seeds: [1]}}', "'a\\nb' is not allowed; allowed: a name of 1 to 80"),
        ("ask_above: many\nstudies: {a: {seeds: [1]}}", "ask_above: 'many' is not allowed"),
    ],
)
def test_mistakes_are_refused_in_one_line(text, message, tmp_path):
    with pytest.raises(SystemExit) as refusal:
        read(tmp_path, text)
    assert message in str(refusal.value)
    assert str(refusal.value).isprintable()


def test_a_value_that_one_variant_refuses_is_refused(tmp_path):
    """The value is allowed, and so is the architecture; both together are not."""
    text = """
studies:
  a:
    seeds: [1]
    variants: {plain: {}, quick: {train_cnn.architecture: fast}}
    grid: {train_cnn.dense_dropout: [recipe, 0.5]}
"""
    with pytest.raises(SystemExit) as refusal:
        planned(tmp_path, text)
    assert str(refusal.value).endswith(
        "studies.a.quick, train_cnn.dense_dropout=0.5: train_cnn.dense_dropout: 0.5 is not allowed;"
        " allowed: recipe, because fast and compact have no dropout"
    )


def test_the_shipped_studies_are_allowed():
    found, _ = studies.read_studies(ROOT / "study.yaml", PARAMETERS, MODELS)
    assert [study.name for study in found] == ["seed noise", "exercises"]


def test_the_documented_study_is_allowed(tmp_path):
    text = (ROOT / "docs" / "studies.md").read_text().split("```yaml\n")[1].split("```")[0]
    assert len(planned(tmp_path, text)) == 3 * 2 * 5 * 2


def test_what_runs_have_in_common_is_one_run(tmp_path):
    runs = planned(
        tmp_path,
        """
studies:
  a:
    seeds: [1, 2]
    variants: {plain: , tanh: {train_mlp.activation: tanh}, small: {preprocess.train_size: 500}}
  b: {seeds: [2, 3], models: [mlp]}
""",
    )
    assert runs["plain", "cnn", 1] == runs["tanh", "cnn", 1]
    assert runs["plain", "mlp", 1][:2] == runs["tanh", "mlp", 1][:2]
    assert runs["plain", "mlp", 1][2] != runs["tanh", "mlp", 1][2]
    assert runs["plain", "mlp", 1][1:] != runs["plain", "mlp", 2][1:]
    assert not set(runs["plain", "mlp", 1][1:]) & set(runs["small", "mlp", 1][1:])
    assert runs["as in params.yaml", "mlp", 2] == runs["plain", "mlp", 2]
    assert len({run[0] for run in runs.values()}) == 1


def test_what_a_stage_cannot_tell_apart_is_one_run(tmp_path):
    text = "studies: {a: {seeds: [1], models: [logreg], variants: {a: %s, b: %s, c: %s}}}"
    values = ("{train_logreg.C: 1}", "{train_logreg.C: '1'}", "{train_logreg.C: 1.0}")
    assert len({tuple(ids) for ids in planned(tmp_path, text % values).values()}) == 1


def test_how_download_fetches_makes_no_other_run(tmp_path):
    text = "studies: {a: {seeds: [1], variants: {a: {}, b: {download.%s}}}}"
    for same in ("timeout: 9", "attempts: 9"):
        runs = planned(tmp_path, text % same)
        assert all(runs["a", model, 1] == runs["b", model, 1] for model in MODELS)
    runs = planned(tmp_path, text % "dataset: mnist")
    assert all(not {*runs["a", model, 1]} & {*runs["b", model, 1]} for model in MODELS)


def test_a_log_of_an_earlier_study_is_no_reason(tmp_path):
    """Whatever it says: the run has not started in this one."""
    text = "studies: {a: {seeds: [1], models: [logreg]}}"
    plan = studies.plan(tmp_path / "study.yaml", read(tmp_path, text), PARAMETERS)
    steps = plan[0]["runs"][0]["chain"]
    logs, results = tmp_path / "logs", tmp_path / "study"
    logs.mkdir()
    for step in steps:
        (logs / f"{step.stage}_{step.id}.log").write_text("failed long ago\n")
    made = results / "download" / steps[0].id
    made.mkdir(parents=True)
    (made / "provenance.json").write_text('{"inputs": {}}')
    studies.write_plan(results / "plan.json", plan, logs)
    (table,) = read_tables(results / "plan.json", logs)
    assert table.variants[0].missing == {1: "preprocess: it has not run"}
    assert [path.name for path in logs.iterdir()] == [f"download_{steps[0].id}.log"]


def test_a_grid_is_every_combination_of_every_variant(tmp_path):
    text = """
studies:
  a:
    seeds: [1]
    models: [mlp]
    variants: {tanh: {train_mlp.activation: tanh}, relu: {train_mlp.activation: relu}}
    grid: {train_mlp.epochs: [1, 2], train_mlp.hidden: [[8], [8, 8], 16]}
"""
    names = {variant for variant, _, _ in planned(tmp_path, text)}
    assert len(names) == 12
    assert "tanh, train_mlp.epochs=2, train_mlp.hidden=[8, 8]" in names
    alone = text.replace("    variants", "    #")
    assert "train_mlp.epochs=1, train_mlp.hidden=16" in {
        name for name, _, _ in planned(tmp_path, alone)
    }


def test_how_long_goes_by_what_was_trained_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    million = studies.work({"mlp": 1_000_000}, Path("study"))
    assert million == (
        "1,000,000 models to train, which takes more than 116 days in sequence"
        " (no mlp has been trained here yet)"
    )
    for place, seconds in (
        ("study/train_mlp/a", 20),
        ("study/train_mlp/b", 40),
        ("models/cnn", 50),
    ):
        Path(place).mkdir(parents=True)
        Path(place, "training.json").write_text(json.dumps({"fit_seconds": seconds}))
    assert studies.work({"mlp": 10, "cnn": 10}, Path("study")) == (
        "20 models to train, which takes about 17 minutes in sequence"
    )
    assert studies.work({"mlp": 1}, Path("study")).startswith("1 model to train, ")


def test_nobody_at_a_terminal_is_a_no(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(SystemExit, match=r"million\?; confirm this in a terminal, or raise"):
        studies.ask("a million?")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    for answer in ("", "n", "nonsense"):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        with pytest.raises(SystemExit, match="Nothing was run"):
            studies.ask("a million?")
    monkeypatch.setattr("builtins.input", lambda _: "y")
    studies.ask("a million?")


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "a\x1b[31m", "$x^{$", "\uffff", ""])
def test_any_name_of_a_variant_can_be_drawn(name):
    runs = [Run(seed, 380 + seed, 400, "digest", 9, 5000, 1.25) for seed in range(3)]
    variants = [Variant(each, {name: name}, name, runs, {4: name}) for each in ("plain", name)]
    page, markdown = render([Table(name, name, variants, [name])])
    page.encode(), markdown.encode()
    assert "<svg" in page
    assert "\0" not in markdown
