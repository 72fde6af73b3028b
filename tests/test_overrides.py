"""What Snakemake's command line makes of params.yaml."""

from pathlib import Path

import pytest

from overrides import read_parameters, unread_sections


@pytest.fixture
def files(tmp_path) -> list[Path]:
    texts = (
        "seed: 1\nfit: {epochs: 3, layers: [8, 8], rate: 1e-05}\nget: {from: here}\n",
        "fit: {epochs: 4}\n",
        "fit: {epochs: 5, layers: [4]}\nnew: {a: 1}\n",
    )
    for place, text in enumerate(texts):
        (tmp_path / f"{place}.yaml").write_text(text)
    return [tmp_path / f"{place}.yaml" for place in range(3)]


def test_the_last_to_say_it_decides_and_what_nobody_says_stays(files):
    first, *others = files
    plain = {
        "seed": 1,
        "fit": {"epochs": 3, "layers": [8, 8], "rate": 0.00001},
        "get": {"from": "here"},
    }
    assert read_parameters(first, (), {}) == plain
    fit = {"epochs": 5, "layers": [4], "rate": 0.00001}
    both = {**plain, "fit": fit, "new": {"a": 1}}
    assert read_parameters(first, others, {}) == both
    assert read_parameters(first, others[::-1], {})["fit"] == {**fit, "epochs": 4}
    options = {"seed": 2, "fit": {"epochs": 6}}
    found = read_parameters(first, others, options)
    assert found == {**both, "seed": 2, "fit": {**fit, "epochs": 6}}
    assert options == {"seed": 2, "fit": {"epochs": 6}}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("1e-05", 0.00001),
        ("3", 3),
        ("yes", "yes"),  # as YAML 1.2 has it
        ("true", True),
        ("relu", "relu"),
        (4, 4),
        (None, None),
        (["5", "x", ["6"]], [5, "x", [6]]),
        ({"a": {"b": "7"}}, {"a": {"b": 7}}),
    ],
)
def test_a_text_of_the_command_line_is_read_as_yaml(given, read, files):
    found = read_parameters(files[0], (), {"new": given, "fit": {"deep": given}})
    assert repr(found["new"]) == repr(found["fit"]["deep"]) == repr(read)


def test_a_file_without_sections_ends_the_run(files):
    files[1].write_text("3\n")
    with pytest.raises(SystemExit, match=r"1\.yaml: 3 is not allowed; allowed: sections of param"):
        read_parameters(files[0], files[1:], {})


def test_sections_that_no_stage_reads():
    schema = {"properties": {"fit": {}, "seed": {}}}
    values = {"fit": {}, "ftis": {}, "seed": 1, 3: None}
    assert unread_sections(values, schema) == ["ftis", "3"]
    assert unread_sections({"fit": {}}, schema) == []
