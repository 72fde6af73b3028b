"""What the page and its Markdown version say of the models' probabilities."""

import re

import numpy as np
import pytest
from made_results import render
from test_report import Page

CALIBRATION = {
    **{"temperature": 0.5432, "doubt": 0.0, "images": 1234, "mistakes": 5},
    "before": {"loss": 0.12345, "calibration_error": 0.0333},
    "after": {"loss": 0.0456, "calibration_error": 0.00123},
}


def test_a_doubt_is_said(tmp_path):
    doubtful = CALIBRATION | {"doubt": 0.00421}
    html, markdown = render(tmp_path, {"one": 5}, calibration=doubtful, validation=(5, 9))
    for text in (Page(html).text, markdown):
        assert (
            "Its temperature is 0.543, and 0.42 % of each prediction is spread evenly over all"
            " classes (its doubt). Both were fitted on 1,234 validation images" in text
        )


def test_a_temperature_and_what_it_did_are_said(tmp_path):
    html, markdown = render(tmp_path, {"one": 5}, calibration=CALIBRATION, validation=(5, 9))
    for text in (Page(html).text, markdown):
        assert "Its temperature is 0.543, fitted on 1,234 validation images and saved" in text
    assert "| one | 0.543 | 0.1235 | 0.0456 | 3.33 | 0.12 |" in markdown
    cells = "</td><td>".join(("0.543", "0.1235", "0.0456", "3.33", "0.12"))
    assert f"<td>{cells}</td>" in html


@pytest.mark.parametrize(
    ("validation", "reason"),
    [
        ((0, 0), "because there were no validation images to fit one on"),
        ((5, 9), "the parameter calibration is none"),
    ],
)
def test_that_there_is_no_temperature_is_said(validation, reason, tmp_path):
    html, markdown = render(tmp_path, {"one": 5}, validation=validation)
    for text in (html, markdown):
        assert "It has no temperature" in text
        assert reason in text
        assert "before and after temperature scaling" not in text


def test_whether_probabilities_mean_what_they_say_is_said(tmp_path):
    """Of 1,000 predictions with 91 % confidence, 910 are right; or 800."""
    sure = np.full((2, 1000, 10), 0.01)
    labels = np.arange(1000) % 10
    for row, wrong in zip(sure, (90, 200), strict=True):
        row[np.arange(1000), np.where(np.arange(1000) < wrong, labels + 1, labels) % 10] = 0.91
    html, markdown = render(tmp_path, {"one": 0, "two": 0}, images=1000, likely=sure)
    for text in (Page(html).text, markdown.replace("&#8203;", "")):
        said = re.sub(r"\s+", " ", text)
        for name, meaning, right, error, than in (
            ("one", "Calibrated, as far as these images can tell", "91.00", "0.00", "no more"),
            ("two", "Not calibrated", "80.00", "11.00", "more"),
        ):
            assert f"{name}: {meaning}. Its mean confidence is 91.00 %, its" in said
            assert f"its accuracy {right} %. The calibration error of {error} points" in said
            assert f"error of {error} points is {than} than chance would explain" in said
    assert "| two | 0." in markdown
    assert " | 11.00 | " in markdown
