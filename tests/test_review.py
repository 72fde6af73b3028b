"""What a review says of two revisions, on results made by hand; test_pull_request.py runs it."""

import base64
import io
import json
import re
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from changed_results import Repository, write_images
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from made_results import HOSTILE
from PIL import Image
from scipy.stats import binomtest

from core.errors import UserError
from core.split import read_split
from freshness.dvc_files import StageState
from freshness.revision import Revision, find_revision
from review.galleries import describe_digit, galleries, images_at_hand, newly_broken
from review.github import Reproduction
from review.models import compare_models
from review.results import FAILURES, METRICS, STATS, Mistake, Results, read_results
from review.review_page import BYTES, Links, Review, draw_review
from review.verdict import LONGEST
from tools.review import run as review

HERE = Revision("this folder")


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Repository:
    repository = Repository(tmp_path / "repository")
    monkeypatch.chdir(repository.folder)
    return repository


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
    assert images_at_hand(Path("test.npz"), made) is None
    assert images_at_hand(Path("missing.npz"), made) is None


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"dataset": "mnist"}, "No comparison: main has other images, toy."),
        ({"content": "1"}, "No comparison: the images of toy are others than in main."),
        ({"images": 200}, "No comparison: the images of toy are others than in main."),
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


DAMAGED = [
    *(
        (name, text)
        for name in ("metrics.json", "stats.json")
        for text in ("", "[", "[]", "3", "{}")
    ),
    ("metrics.json", '{"a": {"failures": 1.5, "successes": 98.5}}'),
    ("metrics.json", '{"a": {"failures": -1, "successes": 101}}'),
    ("metrics.json", '{"a": {"failures": 2, "successes": 98}, "b": {"failures": 0}}'),
    ("metrics.json", '{"a": {"failures": 3, "successes": 97}}'),
    ("metrics.json", '{"a": {"failures": NaN, "successes": 97}}'),
    ("metrics.json", '{"a": {"failures": 2, "successes": true}}'),
    ("metrics.json", '{"a": {"failures": 0, "successes": 0}}'),
    pytest.param("metrics.json", "[" * 100_000, id="deep"),
    ("stats.json", '{"dataset": 3, "sha256": "0"}'),
    ("stats.json", '{"dataset": "\\ud800", "sha256": "0"}'),
    ("metrics.json", '{"\\ud800": {"failures": 2, "successes": 98}}'),
    ("failures.csv", ""),
    ("failures.csv", "index,label,b,b_confidence\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n1000,1,2,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3,nan\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3\n"),
    ("failures.csv", 'index,label,a,a_confidence\n1,1,2,0.9\n2,2,"3'),
    ("failures.csv", 'index,label,a,a_confidence\n1,1,2,0.9\n2,2,"3"x,0.9\n'),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n100,2,3,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n-1,2,3,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3,1.0001\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,3,-0.0001\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n2,2,2,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\n1,1,3,0.9\n"),
    ("failures.csv", "index,label,a,a_confidence\n1,1,2,0.9\nx,2,3,0.9\n"),
    ("failures.csv", "\xff\xfe"),
    ("failures.csv", None),
]


@pytest.mark.parametrize(("name", "text"), DAMAGED)
def test_damaged_results_are_a_sentence(name, text, repository):
    repository.write({"a": [1, 2]})
    path = repository.folder / "reports" / name
    path.write_bytes(text.encode("latin-1")) if text is not None else path.unlink()
    with pytest.raises(UserError) as refused:
        read_results(HERE)
    said = str(refused.value)
    assert said.startswith("reports/")
    assert name in said
    assert "of this folder" in said
    assert "\n" not in said


REFUSED = [
    ({"m": (1, 99), "n": (0, 101)}, "reports/failures.csv of this folder does not belong to"),
    ({"m": (1, 99), "n": (1, 99)}, "reports/failures.csv of this folder does not belong to"),
    ({"m": (1, 10**20), "n": (0, 10**20 + 1)}, "has over 1,000,000 test images; allowed: up to"),
    ({"m": (1, 1_000_000), "n": (0, 1_000_001)}, "has over 1,000,000 test images; allowed: up to"),
    (
        {"m": (-1, 101), "n": (0, 100)},
        "metrics.json of this folder is not what the pipeline writes",
    ),
    ({"m": (0, 0), "n": (0, 0)}, "metrics.json of this folder is not what the pipeline writes"),
    ({str(name): (0, 100) for name in range(8_000)}, "has 8,000 models; allowed: up to 100"),
    ({str(name): (0, 100) for name in range(101)}, "has 101 models; allowed: up to 100"),
]


@pytest.mark.parametrize(("counts", "said"), REFUSED, ids=range(len(REFUSED)))
def test_counts_that_do_not_fit_are_a_sentence(counts, said, repository):
    """Of both revisions, so that they fit each other."""
    repository.write({"m": [1], "n": []})
    metrics = {name: {"failures": f, "successes": s} for name, (f, s) in counts.items()}
    (repository.folder / METRICS).write_text(json.dumps(metrics))
    repository.commit("base")
    with pytest.raises(UserError, match=re.escape(said)):
        read_results(HERE)
    assert against("main").verdict.startswith("No comparison: reports/")


def test_results_are_read_as_they_are_written(repository):
    """The last image, a confidence of 0 and of 1, a name that a spreadsheet would run."""
    names = {"-x": 2, "b": 0}
    metrics = {
        name: {"failures": wrong, "successes": 1_000_000 - wrong} for name, wrong in names.items()
    }
    (repository.folder / METRICS).write_text(json.dumps(metrics))
    (repository.folder / STATS).write_text('{"dataset": "toy", "sha256": "0"}')
    (repository.folder / FAILURES).write_text(
        "index,label,'-x,-x_confidence,b,b_confidence\n0,1,2,1,1,0.5\n999999,a,b,0,a,1.0\n"
    )
    expected = {0: Mistake("1", "2", 1.0), 999_999: Mistake("a", "b", 0.0)}
    assert read_results(HERE) == Results("toy", "0", 1_000_000, {"-x": expected, "b": {}})
    for path in (FAILURES, STATS):
        text = (repository.folder / path).read_text()
        (repository.folder / path).unlink()
        with pytest.raises(UserError, match=f"^{path} of this folder is missing$"):
            read_results(HERE)
        (repository.folder / path).write_text(text)


def test_many_models_are_read(repository):
    repository.write({str(name): [] for name in range(100)})
    assert len(read_results(HERE).mistakes) == 100


def test_as_many_mistakes_as_right_answers_are_read(repository):
    repository.write({"a": [0]}, images=2)
    assert read_results(HERE).images == 2


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(metrics, failures):
    stats = b'{"dataset": "toy", "sha256": "0"}'

    class Held(Revision):
        def read(self, path: str) -> bytes:
            return {METRICS: metrics, FAILURES: failures, STATS: stats}[path]

    with suppress(UserError):
        read_results(Held("any"))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("no-such-branch", "allowed: a branch, a tag or a commit"),
        ("", "allowed: a branch, a tag or a commit"),
        ("--output=stolen", "allowed: a branch, a tag or a commit"),
        ("^main", "allowed: a branch, a tag or a commit"),
        ("main:reports", "allowed: a branch, a tag or a commit"),
        ("theirs", "there is origin/theirs"),
    ],
)
def test_an_unknown_base(name, advice, repository):
    repository.commit("base", {"a": []})
    repository.git("update-ref", "refs/remotes/origin/theirs", "HEAD")
    with pytest.raises(
        UserError, match=f"^{re.escape(name) or 'no name'}: no such revision; {advice}"
    ):
        find_revision(name)
    assert not list(repository.folder.glob("stolen*"))


def test_a_shallow_clone_says_so(repository, tmp_path, monkeypatch):
    first = repository.commit("base", {"a": []})
    repository.commit("more", {"a": [1]})
    clone = f"file://{repository.folder}"
    repository.git("clone", "--quiet", "--depth=1", clone, str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(UserError, match=r"no such revision; this clone is shallow, and git fetch"):
        find_revision(first)


def test_outside_of_git(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(UserError, match="not a git repository"):
        find_revision("main")


def test_another_folder_than_the_projects(repository, tmp_path, monkeypatch):
    repository.commit("base", {"a": []})
    monkeypatch.chdir(repository.folder / "reports")
    with pytest.raises(UserError, match=r"no params\.yaml here; allowed: the project's folder"):
        review("main", "", Path("test.npz"), tmp_path / "review.md", tmp_path / "review.html")


def test_a_project_within_a_larger_repository(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "larger")
    inner = Repository(tmp_path / "larger" / "inner")
    shutil.rmtree(inner.folder / ".git")
    inner.commit("base", {"a": [1]})
    inner.write({"a": []})
    assert repository.git("log", "--format=%s") == "base"
    monkeypatch.chdir(inner.folder)
    assert against("main").verdict.startswith("a: 1 fixed, 0 broken")


def test_commits_that_the_change_lacks_are_mentioned(repository):
    repository.commit("base", {"a": []})
    repository.git("branch", "change")
    repository.commit("later", {"a": [1]})
    repository.git("checkout", "--quiet", "change")
    assert "It has 1 commit that this change lacks" in against("main").markdown


def test_hostile_texts_are_inert(repository):
    branch = "a$(touch${IFS}stolen)`id`<b>|@everyone#1"
    subject = (
        "<img src=x onerror=alert(1)> @everyone [x](https://evil.example) $x$ \u202e |" + "x" * 300
    )
    # One line ends at U+2028 for some readers; an apostrophe stands before a formula in the CSV.
    names = {HOSTILE: [1, 2], "=cmd()|": [], "**bold** https://evil.example": [4]}
    repository.commit(subject, {**names, "-x": [1]}, dataset=HOSTILE)
    repository.git("branch", branch)
    table = repository.folder / "reports" / "failures.csv"
    table.write_text(table.read_text().replace("-x,", "'-x,", 1))
    repository.write({**names, HOSTILE: [], "<script>alert(1)</script>": [9]}, dataset=HOSTILE)
    drawn = against(branch)
    for raw in ("<img", "<b>", "<script", "@everyone", "[x]", "https://", "#1", "$x$", "\u2028"):
        assert raw not in drawn.markdown, raw
    assert "\u202e" not in drawn.markdown
    for raw in ("<img src=x onerror", "<b>|", "<script"):
        assert raw not in drawn.page
    assert not (repository.folder / "stolen").exists()
    rows = [line for line in drawn.markdown.splitlines() if line.startswith("| ")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {8}


def test_a_name_prints_as_one_line(repository):
    """For a workflow on GitHub a line that starts with :: would be a command."""
    repository.commit("base", {"x\n::error::\x1b[31m\u202ey": [1]})
    repository.write({"x\n::error::\x1b[31m\u202ey": []})
    assert against("main").verdict.startswith("x ::error::\\x1b[31m\\u20…: 1 fixed, 0 broken")


def test_many_models_and_long_names_fit(repository):
    names = [f"{'<&>' * 100}{place}" for place in range(60)]
    repository.commit("base", {name: [place] for place, name in enumerate(names)})
    repository.write({f"renamed {name}": [place] for place, name in enumerate(names)})
    drawn = against("main")  # which has no place for more than two of these
    assert drawn.markdown.startswith("**Models: 60 with the same mistakes.**")
    assert re.search(r"^And 5[0-9] more\.$", drawn.markdown, re.M)
    assert drawn.page.count("the same mistakes; it was called") == 60


def test_what_does_not_fit_is_left_to_the_page(repository, monkeypatch):
    repository.commit("base", {"a": [1]})
    repository.write({"a": []})
    monkeypatch.setattr("review.review_page.BYTES", 600)
    text = draw_review(find_revision("main"), HERE, Path("test.npz")).markdown
    assert len(text.encode()) <= 600
    assert text.startswith("**a: 1 fixed, 0 broken, no more than chance would give (p = 1.000).**")
    assert "The rest is too long to be shown here; it is on the page of the review." in text


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
        "Look closer: [this run, with the pages to open](https://git.example/a/b/runs/1) · "
        + " · ".join(
            f"[{name}](https://git.example/a/b/blob/{commit}/reports/{path})"
            for name, path in (
                ("the models compared", "comparison.md"),
                ("metrics", "metrics.json"),
                ("failures", "failures.csv"),
            )
        )
    )
    for bad in ("javascript:alert(1)", "https://a b", "https://a)[x](https://evil", "https://a\n"):
        with pytest.raises(UserError, match="no address; allowed: https://"):
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
    assert len(re.findall("^Not known: .*params.yaml", markdown, re.M)) == 1
    assert "none" not in markdown
    assert "| parameter |" not in markdown
    assert "No parameter was changed" not in markdown


@pytest.mark.parametrize(
    ("here", "drawn"), [([1, 2], False), ([1], True), ([1, 2, 3], True), ([4], True)]
)
def test_where_a_digit_would_belong_the_page_says_what_is_missing(here, drawn, repository):
    repository.commit("base", {"a": [1, 2]})
    repository.write({"a": here})
    assert ("No digit is drawn: the test images" in against("main").page) is drawn


def test_results_that_do_not_belong_are_listed(repository):
    path = repository.folder / "dvc.yaml"
    repository.commit("none", {"a": [1]})
    assert "Not known: this folder has no dvc.yaml" in against("main").markdown
    path.write_text("stages: {a: {cmd: b, outs: [c]}}")
    repository.commit("base")
    text = against("main").markdown
    assert "\n- a has to run: dvc.lock does not know it\n- reports/metrics.json is made by" in text
    assert "The results of main do not belong to its own parameters and code: a has to run" in text
    assert "No stage ran again." in text
    path.write_text("stages: {a: {cmd: b, outs: [c]}, d: {cmd: b}}")
    text = against("main").markdown
    assert "\n- d: new\n" in text
    assert "\n- a: " not in text


def test_a_change_of_what_checks_it_is_said(repository):
    """Beside what its run says, which is worth as much as what it runs."""
    (repository.folder / "scripts" / "review").mkdir(parents=True)
    for path in ("scripts/review/a.py", "Makefile", "scripts/train.py", "scripts/tool.py"):
        (repository.folder / path).write_text("before")
    base = repository.commit("base", {"a": [1]})
    runs = {"reproduction": Reproduction(None)}
    same = Revision("this change", base)
    assert "This change edits" not in against("main", same, **runs).markdown
    assert (
        "Not known: whether its run made the same results."
        in against("main", same, **runs).markdown
    )
    for path in ("scripts/review/a.py", "Makefile", "scripts/train.py"):
        (repository.folder / path).write_text("after")
    (repository.folder / "scripts" / "tool.py").unlink()
    here = Revision("this change", repository.commit("change"))
    drawn = against(base, here, reproduction=Reproduction(False, "a @name"))
    assert (
        "This change edits what checks it, so read that before you believe its run: Makefile, "
        "scripts/review, scripts/tool.py.\n"
    ) in drawn.markdown
    assert "\n\nIts run says of what it made: a &#64;&#8203;name.\n\n" in drawn.markdown
    assert drawn.markdown.startswith(
        "**The results reproduced in this run are not those committed: "
    )
    assert "This change edits" not in against(base, here).markdown


def test_nothing_is_written_where_the_base_is_unknown(repository, tmp_path):
    repository.commit("base", {"a": []})
    text, page = tmp_path / "review.md", tmp_path / "review.html"
    text.write_text("earlier")
    with pytest.raises(UserError):
        review("nowhere", "", Path("test.npz"), text, page)
    assert text.read_text() == "earlier"
    assert not page.exists()
    assert review("main", "main", Path("test.npz"), text, page).startswith("Review: Every model")
    assert "Every model makes the same mistakes" in text.read_text()
    assert "Every model makes the same mistakes" in page.read_text()
