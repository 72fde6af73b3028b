"""What the page is put together from: images, text, charts."""

import json
import re

import numpy as np
import pytest
from conftest import ROOT

from drawing.braille import braille
from drawing.escaping import escape_markdown, inert_json
from drawing.images import as_grey, reduced, reduction
from drawing.svg import inline
from drawing.templates import template_environment
from page.charts import is_logarithmic, log_ticks


def test_hostile_drawings_are_inert():
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="alert(1)">'
        '<script>alert(1)</script><foreignObject/><image href="http://example.invalid/x.png"/>'
        '<g onclick="alert(1)" style="fill: #000000"><text>&lt;b&gt;</text></g></svg>'
    )
    drawn = inline(svg, "name", '"><b>')
    for word in ("alert", "script", "foreignObject", "example", "style", "<b>"):
        assert word not in drawn
    assert 'fill="currentColor"' in drawn


def test_markers_become_one_path():
    """Of points with the same look; others stay apart."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs>'
        '<path id="m" d="M -1 0 L 1 -0.5 z" stroke="red"/></defs><g>'
        '<use href="#m" x="3" y="4"/><use href="#m" x="5.25" y="6"/>'
        '<use href="#m" x="7" y="8" fill="red"/></g></svg>'
    )
    drawn = inline(svg, "name", "a line")
    assert re.findall("<path [^>]*>", drawn) == [
        '<path d="M 2.00 4.00 L 4.00 3.50 z M 4.25 6.00 L 6.25 5.50 z" stroke="red" />',
        '<path d="M 6.00 8.00 L 8.00 7.50 z" fill="red" stroke="red" />',
    ]
    assert "<use" not in drawn
    assert "<defs" not in drawn


def test_p_shows_on_what_side_of_the_limit_it_is():
    words = template_environment(ROOT / "scripts" / "templates").get_template("verdict.j2").module
    shown = [str(words.p_value(p)) for p in (0.0494, 0.0498, 0.0501, 0.9, 0.0001)]
    assert shown == ["p = 0.049", "p = 0.0498", "p = 0.0501", "p = 0.900", "p < 0.001"]


def test_json_cannot_end_its_element():
    text = inert_json({"name": "</script><!--\u2028"})
    assert "<" not in text
    assert "\u2028" not in text
    assert json.loads(text) == {"name": "</script><!--\u2028"}


def test_escaped_markdown_stays_on_one_line():
    assert escape_markdown("a|b\n`c` <d> @e #f [g](h) & \\i") == (
        "a\\|b \\`c\\` &#60;d&#62; &#64;&#8203;e &#35;&#8203;f \\[g\\](h) &#38; \\\\i"
    )


def test_images_are_made_smaller_by_their_mean():
    images = np.arange(2 * 4 * 6, dtype=float).reshape(2, 4, 6)
    assert reduced(images, 2)[0, 0].tolist() == [3.5, 5.5, 7.5]
    assert (reduction(28, 28), reduction(96, 50), reduction(97, 97)) == (1, 1, 2)
    assert as_grey(np.array([[[0, 8, 16, 99]]]), np.array([0, 16])).tolist() == [[[0, 8, 15, 15]]]


def test_braille_by_hand():
    ink = np.zeros((5, 3), bool)
    ink[0, 0] = ink[3, 1] = ink[4, 2] = True
    assert braille(ink) == "\u2881\u2800\n\u2800\u2801"


def test_a_logarithmic_axis_has_ticks_to_read_it_by():
    assert log_ticks(0.5, 20_000) == [1, 10, 100, 1000, 10_000]
    assert log_ticks(0.004, 0.08) == pytest.approx([0.005, 0.01, 0.02, 0.05])
    assert len(log_ticks(30, 70)) >= 3


def test_errors_are_logarithmic_only_where_that_separates_good_models():
    def models(*accuracies):
        return [{"scores": {"accuracy": accuracy}} for accuracy in accuracies]

    assert is_logarithmic(models(0.9, 0.995))
    assert not is_logarithmic(models(0.9, 0.98))
    assert not is_logarithmic(models(0.995, 1.0))
