"""What a review says of two revisions, on results made by hand; test_pull_request.py runs it."""

import base64
import html
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from changed_results import write_images
from conftest import ROOT
from made_results import HOSTILE, check
from PIL import Image
from ruamel.yaml import YAML
from scipy.stats import binomtest
from small_pipeline import Pipeline, md5

from core.errors import UserError
from core.split import read_split
from freshness.dvc_files import StageState
from freshness.revision import Revision, find_revision
from review.galleries import available_images, describe_digit, galleries, newly_broken
from review.github import Reproduction
from review.models import compare_models
from review.posting import check_text
from review.results import read_results
from review.review_page import BYTES, Links, Review, draw_review
from review.verdict import (
    CHANGED_CODE,
    HIDING,
    LONGEST,
    NO_DEPENDENCY_CHANGED,
    NOT_REPRODUCED,
    REPRODUCED,
)

HERE = Revision("this folder")
LINKS = Links("https://git.example", "https://git.example/runs/1")


def against(base: str, here: Revision = HERE, **kinds) -> Review:
    drawn = draw_review(find_revision(base), here, Path("test.npz"), **kinds)
    assert len(drawn.markdown.split("\n")[0]) <= LONGEST
    assert len(drawn.markdown.encode()) <= BYTES
    assert drawn.markdown.endswith("\n")
    return drawn


def test_every_kind_of_change_to_the_letter(repository):
    base = {
        **{"logreg": [*range(40, 60)], "cnn": [*range(1, 11)], "mlp": [1, 2, 3, 4, 5]},
        **{"old": [7, 8], "gone": [9], "still": [11]},
    }
    commit = repository.commit("First results", base)
    repository.write(
        {
            **{"logreg": [*range(40, 65)], "cnn": [1], "mlp": [1, 2, 3, 4, 46]},
            **{"wide": [7, 8], "fresh": [3], "still": [11]},
        }
    )
    expected = (ROOT / "tests" / "expected_review.md").read_text()
    assert against("main").markdown == expected.replace("COMMIT", commit[:8])


def test_p_values_are_scipys_with_holms_correction(repository):
    repository.commit("base", {"a": [*range(12)], "b": [*range(8)], "c": [5]})
    base = read_results(find_revision("main"))
    repository.write({"a": [0, 1, 30], "b": [1, 2, 40, 41], "c": [5]})
    found = {each.name: each for each in compare_models(base, read_results(HERE))}
    raw = {
        name: binomtest(fewer, total).pvalue for name, fewer, total in [("a", 1, 11), ("b", 2, 8)]
    }
    assert found["a"].p_value == pytest.approx(2 * raw["a"])  # c, with nothing to test, has no part
    assert found["b"].p_value == pytest.approx(raw["b"])
    assert (found["a"].outcome, found["b"].outcome, found["c"].outcome) == (
        "better",
        "chance",
        "same",
    )
    assert found["a"].fixed == [*range(2, 12)]
    assert found["a"].broken == [30]


def test_a_worse_model_comes_first(repository):
    repository.commit("base", {"a": [*range(20)], "b": []})
    repository.write({"a": [], "b": [*range(30, 40)]})
    assert against("main").verdict.startswith(
        "b is worse by 10.00 points, more than chance (p = 0.002): 0 fixed, 10 broken. "
        "a is better by 20.00 points"
    )


def test_nothing_has_changed(repository):
    repository.commit("base", {"a": [1, 2], "b": []})
    assert against("main").verdict.startswith("Every model makes the same mistakes as before. ")


def test_the_digits_it_broke_are_drawn(repository):
    repository.commit("base", {"a": [], "b": [1]})
    repository.write({"a": [3, 96, 97], "b": [97, 21, 5, 96]})
    changes = compare_models(read_results(find_revision("main")), read_results(HERE))
    order = [(change.name, index) for change, index in newly_broken(changes)]
    assert order == [("a", 97), ("a", 96), ("a", 3), ("b", 21), ("b", 5)]
    write_images(Path("test.npz"))
    part = read_split(Path("test.npz"))
    drawn = describe_digit(part, changes[0], 3)
    assert (drawn["label"], drawn["answer"], drawn["confidence"]) == ("3", "4", 0.503)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(drawn["png"]))))
    assert np.array_equal(pixels > 0, part.images[3] > 0)
    assert drawn["braille"].splitlines()[0] == "\u28ff" * 7 + "\u2800" * 7
    shown = galleries(part, changes[1])
    assert {kind: [each["index"] for each in images] for kind, images in shown.items()} == {
        "broken": [97, 96, 21, 5],
        "fixed": [1],
    }
    made = {"preprocess": StageState(None, "", {}, {}, {"test.npz": "not its content"})}
    assert available_images(Path("test.npz"), made) is None
    assert available_images(Path("missing.npz"), made) is None


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"dataset": "mnist"}, "No comparison: main is tested on another dataset, toy."),
        ({"content": "1"}, "No comparison: the images of toy differ from those in main."),
        ({"images": 200}, "No comparison: the images of toy differ from those in main."),
    ],
)
def test_another_dataset(kinds, said, repository):
    repository.commit("base", {"a": [1, 2]})
    repository.write({"a": [1]}, **kinds)
    assert against("main").verdict.startswith(said)


def test_without_results(repository):
    commit = repository.commit("Nothing yet")
    assert against("main").verdict.startswith("No comparison: this change has no results;")
    repository.write({"a": [1]})
    assert against("main").verdict.startswith("No comparison: main has no results.")
    assert against(commit).verdict.startswith(f"No comparison: {commit[:8]} has no results.")


def test_commits_that_the_change_lacks_are_mentioned(repository):
    repository.commit("base", {"a": []})
    repository.git("branch", "change")
    repository.commit("later", {"a": [1]})
    repository.git("checkout", "--quiet", "change")
    assert "main has 1 commit that this change lacks" in against("main").markdown


def test_hostile_texts_are_inert(repository):
    branch = "a$(touch${IFS}stolen)`id`<b>|@everyone#1"
    subject = (
        "<img src=x onerror=alert(1)> @everyone [x](https://evil.example) $x$ \u202e |" + "x" * 300
    )
    # One line ends at U+2028 for some readers; an apostrophe stands before a formula in the CSV.
    names = {HOSTILE: [1, 2], "=cmd()|": [], "**bold** https://evil.example": [4]}
    repository.commit(subject, {**names, "-x": [1]}, dataset=HOSTILE)
    repository.git("branch", branch)
    repository.write({**names, HOSTILE: [], "<script>alert(1)</script>": [9]}, dataset=HOSTILE)
    drawn = against(branch)
    for raw in ("<img", "<b>", "<script", "@everyone", "[x]", "https://", "#1", "$x$", "\u2028"):
        assert raw not in drawn.markdown, raw
    assert "\u202e" not in drawn.markdown
    for raw in ("<img src=x onerror", "<b>|", "<script"):
        assert raw not in drawn.page
    assert not (repository.folder / "stolen").exists()
    rows = [line for line in drawn.markdown.splitlines() if line.startswith("| ")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {9}


def test_what_the_data_cannot_say_is_said_first(repository):
    repository.commit("base", {"a": [1]})
    checks = {"a": check("note"), "b": check("warn"), "c": check("stop", pictures=1)}
    repository.write({"a": [2]}, checks=checks)
    drawn = against("main")
    said = "The data cannot show which model to trust: reports/stats.json says “Found stop”."
    assert drawn.verdict.startswith(f"{said} a: 1 fixed, 1 broken")
    assert drawn.markdown.startswith(f"**{said}** ")
    assert (
        "- **Stop.** reports/stats.json says “Found stop”. “Meaning stop.” “Act stop.”"
        in drawn.markdown
    )
    for text in (drawn.markdown, drawn.page):
        places = [text.index(part) for part in ("Stop.", "Warning.", "No parameter changed")]
        assert places == sorted(places)
        assert "Found note." not in text
    repository.write({"a": [2]}, checks={"b": check("warn")})
    drawn = against("main")
    assert drawn.verdict.startswith("a: 1 fixed, 1 broken")
    assert "Check the data before you trust a model:" in drawn.markdown
    repository.write({"a": [2]}, checks={"a": check("note")})
    assert "Look at the data" not in against("main").page


def test_what_the_data_cannot_say_needs_no_comparison(repository):
    repository.commit("base")
    repository.write({"a": [2]}, checks={"a": check("stop", HOSTILE)})
    drawn = against("main", links=Links("https://git.example", "https://git.example/runs/1"))
    assert drawn.verdict.startswith("The data cannot show which model to trust")
    assert "No comparison: main has no results" in drawn.markdown
    assert "<img src=x" not in drawn.page
    check_text(drawn.markdown, "https://git.example/")


def test_a_name_prints_as_one_line(repository):
    """For a workflow on GitHub a line that starts with :: would be a command."""
    repository.commit("base", {"x\n::error::\x1b[31m\u202ey": [1]})
    repository.write({"x\n::error::\x1b[31m\u202ey": []})
    assert against("main").verdict.startswith("“x ::error::\\x1b[31m\\u20…”: 1 fixed, 0 broken")


def test_many_models_and_long_names_fit(repository):
    names = [f"{'<&>' * 100}{place}" for place in range(60)]
    repository.commit("base", {name: [place] for place, name in enumerate(names)})
    repository.write({f"renamed {name}": [place] for place, name in enumerate(names)})
    drawn = against("main")  # which has no place for more than two of these
    assert drawn.markdown.startswith("**Models: 60 with the same mistakes.**")
    assert re.search(r"^And 5[0-9] more\.$", drawn.markdown, re.M)
    assert drawn.page.count("the same mistakes; renamed from") == 60


def test_what_does_not_fit_is_left_to_the_page(repository, monkeypatch):
    repository.commit("base", {"a": [1]})
    repository.write({"a": []})
    monkeypatch.setattr("review.review_page.BYTES", 600)
    text = draw_review(find_revision("main"), HERE, Path("test.npz")).markdown
    assert len(text.encode()) <= 600
    assert text.startswith(
        "**a: 1 fixed, 0 broken, no more than chance would explain (p = 1.000).**"
    )
    assert "The rest is too long for this comment; the page of the review shows it." in text


def test_rows_that_do_not_fit_are_counted(repository, monkeypatch):
    repository.commit("base", {"a": [1]})
    Path("params.yaml").write_text("".join(f"p{place:02}: 1\n" for place in range(25)))
    for shown in (20, 10, 5, 2, 0):
        text = against("main").markdown
        rows = re.findall(r"^\| (p\d\d) ", text, re.M)
        assert rows == [f"p{place:02}" for place in range(shown)]
        # One more is the seed, which is gone.
        assert (f"\n\nAnd {26 - shown} more.\n" in text) is (shown > 0)
        monkeypatch.setattr("review.review_page.BYTES", len(text.encode()) - 1)


def test_links_are_addresses_only(repository):
    commit = repository.commit("base", {"a": []})
    links = Links("https://git.example/a/b", "https://git.example/a/b/runs/1")
    drawn = against("main", Revision("this change", commit), links=links)
    assert drawn.markdown.splitlines()[-1] == (
        "Details: [this run and its pages](https://git.example/a/b/runs/1) · "
        + " · ".join(
            f"[{name}](https://git.example/a/b/blob/{commit}/reports/{path})"
            for name, path in (
                ("comparison of the models", "comparison.md"),
                ("metrics", "metrics.json"),
                ("failures", "failures.csv"),
            )
        )
    )
    for bad in ("javascript:alert(1)", "https://a b", "https://a)[x](https://evil", "https://a\n"):
        with pytest.raises(UserError, match="not a URL; allowed: https://"):
            against("main", links=Links(bad, ""))


@pytest.mark.parametrize("text", [None, "a: [", "- a"])
@pytest.mark.parametrize("where", ["base", "here"])
def test_parameters_that_cannot_be_read_are_said_once(text, where, repository):
    path = repository.folder / "params.yaml"
    whole = path.read_text()
    (repository.folder / "dvc.yaml").write_text("stages: {a: {cmd: b, outs: [c]}}")
    for revision in ("base", "here"):
        path.write_text(whole)
        if revision == where:
            path.unlink() if text is None else path.write_text(text)
        repository.commit(revision, {"a": [1]})
    markdown = against("HEAD^", find_revision("HEAD")).markdown
    assert len(re.findall("^Not checked: .*params.yaml", markdown, re.M)) == 1
    assert "none" not in markdown
    assert "| parameter |" not in markdown
    assert "No parameter changed" not in markdown


@pytest.mark.parametrize(
    ("here", "drawn"), [([1, 2], False), ([1], True), ([1, 2, 3], True), ([4], True)]
)
def test_where_a_digit_would_belong_the_page_says_what_is_missing(here, drawn, repository):
    repository.commit("base", {"a": [1, 2]})
    repository.write({"a": here})
    assert ("No images are shown, because the test images" in against("main").page) is drawn


def test_results_that_do_not_belong_are_listed(repository):
    path = repository.folder / "dvc.yaml"
    repository.commit("none", {"a": [1]})
    assert "Not checked: “this folder has neither dvc.yaml" in against("main").markdown
    path.write_text("stages: {a: {cmd: b, outs: [c]}}")
    repository.commit("base")
    text = against("main").markdown
    assert "\n- “a must be rerun: it is not in dvc.lock”\n- “reports/metrics.json is not" in text
    assert "The results of main itself are out of date: “a must be rerun" in text
    assert "No stage has different results." in text
    path.write_text("stages: {a: {cmd: b, outs: [c]}, d: {cmd: b}}")
    text = against("main").markdown
    assert "\n- d: new\n" in text
    assert "\n- a: " not in text


def test_changed_code_is_named_and_what_its_run_says_is_no_more_than_a_report(repository):
    for path in ("scripts/train.py", "Makefile", "README.md", "docs/x.md", "params.yaml"):
        (repository.folder / path).parent.mkdir(exist_ok=True)
        (repository.folder / path).write_text("seed: 1\n")
    base = repository.commit("base", {"a": [1]})
    same = against("main", Revision("this change", base), reproduction=Reproduction(True))
    assert same.verdict.endswith(f"{REPRODUCED}.")
    assert "executes" not in same.markdown
    unknown = against("main", Revision("this change", base), reproduction=Reproduction(None))
    assert "Not checked: whether the run reproduced the results." in unknown.markdown
    for path in ("scripts/train.py", "README.md", "docs/x.md", "params.yaml"):
        (repository.folder / path).write_text("seed: 2\n")
    (repository.folder / "Makefile").unlink()
    named = (
        "\n\n2 changed files that a run executes, installs or is configured by: Makefile, "
        "scripts/train.py."
    )
    assert f"{named}\n\n" in against(base).markdown
    here = Revision("this change", repository.commit("change"))
    drawn = against(base, here, reproduction=Reproduction(True))
    assert drawn.verdict.endswith(f"{REPRODUCED}, {CHANGED_CODE}.")
    assert (
        f"{named} What the run of this change reports is only as reliable as these files. "
        "Read them before you trust it.\n\n"
    ) in drawn.markdown
    assert "executes, installs or is configured by: Makefile, scripts/train.py." in drawn.page
    drawn = against(base, here, reproduction=Reproduction(False, "a @name”. All is well"))
    said = "“a &#64;&#8203;name'. All is well”."
    assert drawn.markdown.startswith(f"**{NOT_REPRODUCED}: {said}** ")
    assert f"\n\nThe run of this change reports: {said}\n\n" in drawn.markdown


def test_a_file_that_hides_a_module_is_called_that(repository):
    base = repository.commit("base", {"a": [1]})
    (repository.folder / "scripts").mkdir()
    for name in ("argparse.py", "x.py", *(f"y{place}.py" for place in range(9)), "@x ”.py"):
        (repository.folder / "scripts" / name).write_text("")
    here = Revision("this change", repository.commit("change"))
    drawn = against(base, here, reproduction=Reproduction(True), links=LINKS)
    assert drawn.verdict.startswith(f"{HIDING}: scripts/argparse.py. Every model")
    assert (
        "\n\nPython would import this file in place of other modules, such as those of its standard"
        " library: scripts/argparse.py.\n\n"
    ) in drawn.markdown
    shown = re.search(r"configured by: (.*) and 7 more\. What", drawn.markdown)[1].split(", ")
    assert shown[:2] == ["“scripts/&#64;&#8203;x '.py”", "scripts/x.py"]
    assert len(shown) == 5
    check_text(drawn.markdown, "https://git.example/")
    assert '<p class="verdict bad">' in drawn.page


def test_results_that_nothing_explains_are_the_first_sentence(repository):
    """A forged table with its hash in dvc.lock, and nothing that it could have been made from."""
    pipeline = Pipeline(repository.folder.parent / "pipeline")
    os.chdir(pipeline.folder)
    pipeline.write()
    base = pipeline.repository.commit("base", {"a": [1]})
    (pipeline.folder / "scores").write_text("forged")
    pipeline.locked["evaluate"]["outs"][1]["md5"] = md5("forged")
    pipeline.write()
    here = Revision("this change", pipeline.repository.commit("change", {"a": []}))
    drawn = against(base, here, reproduction=Reproduction(True))
    assert drawn.markdown.startswith(f"**{NO_DEPENDENCY_CHANGED}: evaluate.** ")
    assert "up to date" not in drawn.verdict
    assert "- evaluate: no dependency in dvc.lock, but the results differ\n" in drawn.markdown


WORDS = "All results were verified by the maintainers. Merge it"


def claims(folder: Path) -> None:
    """WORDS wherever a revision or its run can put a text, as a name, a value or a sentence."""
    lock, yaml = YAML(typ="safe").load(folder / "dvc.lock"), YAML(typ="safe")
    lock["stages"]["evaluate"]["outs"][0]["md5"] = "0" * 32
    declared = yaml.load(folder / "dvc.yaml")
    stage = {"cmd": WORDS, "deps": [WORDS], "outs": [f"{WORDS}.csv"], "params": [WORDS]}
    declared["stages"] = {WORDS: stage, **declared["stages"]}
    declared["stages"]["train"] |= {"deps": [WORDS, "train.py"]}
    for name, content in (("dvc.lock", lock), ("dvc.yaml", declared)):
        yaml.dump(content, folder / name)
    (folder / "params.yaml").write_text(f"seed: '{WORDS}'\n{WORDS}: '{WORDS}'\ntrain: {{}}\n")
    (folder / WORDS).write_text("")
    (folder / "reports" / f"{WORDS}.py").write_text("")


def test_no_words_of_a_revision_are_shown_as_words_of_the_review(repository):
    """They stand within quotation marks or in a cell of a table."""
    pipeline = Pipeline(repository.folder.parent / "pipeline")
    os.chdir(pipeline.folder)
    pipeline.write()
    base = pipeline.repository.commit(WORDS, {"a": [1], WORDS: [2]})
    claims(pipeline.folder)
    checks = {WORDS: check("stop", WORDS)}
    models = {"a": [1, 5], f"{WORDS} 2": [2], f"{WORDS} 3": [3, 4]}
    here = pipeline.repository.commit(WORDS, models, checks=checks)
    for runs in (None, Reproduction(False, WORDS), Reproduction(True)):
        for revision in (Revision("this change", here), HERE):
            drawn = against(base, revision, reproduction=runs, links=LINKS)
            check_text(drawn.markdown, "https://git.example/")
            page = re.sub(r"(?s)<(style|script).*?</\1>", "", html.unescape(drawn.page))
            cells = re.sub(r"(?s)<t([hd])\b[^>]*>.*?</t\1>", "", page)
            rows = re.sub(r"(?m)^\|.*", "", re.sub(r"\\(.)", r"\1", drawn.markdown))
            assert rows.count("“") == rows.count("”") > 4
            for text in (cells, rows, drawn.verdict):
                assert "All results" not in re.sub(r"“[^”]*”", "", text)
