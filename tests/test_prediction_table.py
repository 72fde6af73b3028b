"""What predict writes and says, with models of three classes that are made for it."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import UserError
from core.split import Split
from evaluation.significance import accuracy_interval
from prediction import preview as previews
from prediction.batches import Predicted, predictions
from prediction.fitting import Fitting
from prediction.form import Form
from prediction.inputs import Block, Images
from prediction.preview import Preview
from prediction.table import Score, header, kaggle_rows, rows
from prediction.threshold import find_threshold

FORM, WIDER = Form(8, 8, "uint8", 0.0, 16.0, 0.0), Form(8, 12, "uint8", 0.0, 16.0, 0.0)
LIKELY = np.float32([[0.5, 0.25, 0.25], [0.125, 0.25, 0.625], [0.25, 0.75, 0]])


def model(name: str, form: Form = FORM, likely: np.ndarray = LIKELY, classes=("x", "=y", "7")):
    return SimpleNamespace(
        name=name,
        classes=list(classes),
        form=form,
        probabilities=lambda images: likely[images[:, 0, 0].astype(int)],
    )


def batch(likely: list[np.ndarray], labels: list[str | None], form: Form = FORM) -> Predicted:
    """Images of which the first pixel is their number."""
    names = [str(number) for number in range(len(likely[0]))]
    images = np.zeros((len(names), form.height, form.width), np.uint8)
    images[:, 0, 0] = np.arange(len(names))
    return Predicted(names, labels, {form: images}, likely)


class TestTable:
    def test_each_column(self):
        models = [model("cnn"), model("=mlp", classes=("c", "b", "a"))]
        names = header(models, pictures=False, labelled=True, ask_column=True)
        assert names == (
            "row,label,cnn,cnn_probability,cnn_second,cnn_second_probability,cnn_ask_a_person,"
            "'=mlp,'=mlp_probability,'=mlp_second,'=mlp_second_probability,'=mlp_ask_a_person\n"
        )
        some = batch([LIKELY, LIKELY[::-1]], ["x", None, "=y"])
        assert rows(some, models, True, (0.625, 0.7)).splitlines() == [
            "0,x,x,0.5,'=y,0.25,yes,b,0.75,c,0.25,no",
            "1,,7,0.625,'=y,0.25,no,a,0.625,b,0.25,yes",
            "2,'=y,'=y,0.75,x,0.25,no,c,0.5,b,0.25,yes",
        ]

    def test_what_is_not_asked_for_has_no_column(self):
        names = header([model("cnn")], pictures=True, labelled=False, ask_column=False)
        assert names == "file,cnn,cnn_probability,cnn_second,cnn_second_probability\n"
        some = batch([LIKELY], [None] * 3)
        assert rows(some, [model("cnn")], False, ()).splitlines()[0] == "0,x,0.5,'=y,0.25"

    def test_kaggles_format(self):
        some = batch([LIKELY[1:]], [None] * 2)
        assert kaggle_rows(some, model("cnn")) == "0,7\n1,'=y\n"

    def test_a_threshold_is_compared_as_it_was_found(self):
        """Of a confidence in float32 that is not the same number in float64."""
        likely = np.float32([[0.7, 0.2, 0.1]])
        for threshold, asks in ((float(likely[0, 0]), "no"), (0.7000001, "yes")):
            score = Score()
            score.add(model("cnn"), likely, [None], threshold)
            assert score.asks == (asks == "yes")
            assert rows(batch([likely], [None]), [model("cnn")], False, [threshold])[-4:-1] in (
                f",{asks}",
                asks,
            )


class TestScore:
    def test_by_hand(self):
        score = Score()
        score.add(model("cnn"), LIKELY, ["x", None, "x"], 0.625)
        score.add(model("cnn"), LIKELY[:1], ["x"], 0.625)
        assert score == Score(images=4, labelled=3, right=2, asks=2)
        low, high = (100 * end for end in accuracy_interval(2, 3))
        assert list(score.sentences("cnn", with_asks=True)) == [
            "cnn: accuracy 66.67 %, 2 of 3 labelled images (95 % interval"
            f" {low:.2f} to {high:.2f})",
            "cnn: ask a person about 2 of 4 images",
        ]
        assert len(list(score.sentences("cnn", with_asks=False))) == 1

    def test_without_labels_there_is_no_accuracy(self):
        score = Score()
        score.add(model("cnn"), LIKELY, [None] * 3, 0)
        assert list(score.sentences("cnn", with_asks=False)) == []
        assert score == Score(images=3)


class TestThreshold:
    CLASSES = np.array(["x", "y", "z"])

    def part(self, labels: list[int], form: Form = FORM, classes: np.ndarray = CLASSES) -> Split:
        images = np.zeros((len(labels), form.height, form.width), np.uint8)
        images[:, 0, 0] = np.arange(len(labels)) % 3
        return Split(images, np.array(labels, int), classes, np.array([0.0, 16.0]))

    def test_by_hand(self):
        """The image with a confidence of 0.5 is misclassified, each time."""
        cnn = model("cnn", classes=self.CLASSES)
        found = find_threshold(cnn, self.part([1, 2, 1] * 4), 0.75)
        low, high = accuracy_interval(8, 8)
        assert found == (0.625, 8, 8, 12, 4, low, high)
        assert found.sentence("cnn") == (
            "cnn: no person is needed for a confidence of at least 0.625. Of 12 validation images,"
            " 8 reach it, and 8 of these are classified correctly: 100.00 % (95 % interval"
            f" {100 * low:.2f} to 100.00). Only 4 validation images are misclassified, too few for"
            " a reliable threshold; more validation images help"
        )
        for count in (9, 10):
            said = found._replace(mistakes=count, correct=7).sentence("cnn")
            assert ("Only 9 validation images" in said) == (count == 9)
            assert "7 of these are classified correctly: 87.50 %" in said

    def test_what_gives_no_threshold(self):
        cnn = model("cnn", classes=self.CLASSES)
        for part in (self.part([1], WIDER), self.part([1], classes=self.CLASSES[::-1])):
            with pytest.raises(UserError, match="cnn: the validation images have other classes or"):
                find_threshold(cnn, part, 0.75)
        with pytest.raises(UserError, match=r"^--sure 0.75: cnn does not reach .* on 0 validation"):
            find_threshold(cnn, self.part([]), 0.75)
        with pytest.raises(UserError, match=r"^--sure 0.9: cnn reaches this accuracy on only 8 of"):
            find_threshold(cnn, self.part([1, 2, 1] * 4), 0.9)


class TestFitting:
    def block(self, form: Form, count: int = 2) -> Block:
        """A light square on dark paper."""
        images = np.zeros((count, form.height, form.width), np.uint8)
        images[:, 2:6, 3:5] = 255
        return Block(list("abc"[:count]), images, [None] * count)

    @pytest.mark.parametrize(
        ("way", "dataset", "size", "said"),
        [
            ("auto", "digits", FORM, "2 images: already of the model's size, used unchanged"),
            ("auto", "mnist", WIDER, "2 images: the digit was scaled and centred (--fit digit)"),
            ("auto", "digits", WIDER, "2 images: the digit was scaled and centred (--fit digit)"),
            ("auto", "own", WIDER, "2 images: resized as a whole (--fit whole)"),
            ("digit", "own", FORM, "2 images: the digit was scaled and centred (--fit digit)"),
            ("whole", "mnist", FORM, "2 images: resized as a whole (--fit whole)"),
        ],
    )
    def test_each_way(self, way, dataset, size, said):
        fit, block = Fitting(way, dataset, pictures=True), self.block(size)
        found = fit(FORM, block)
        assert fit.remarks() == [said]
        if "unchanged" in said:
            expected = FORM.as_it_is(block.images, True)
        else:
            expected = [FORM.fitted(image, "digit" in said) for image in block.images]
        np.testing.assert_array_equal(found, expected)
        one = Fitting(way, dataset, pictures=True)
        one(FORM, self.block(size, 1))
        assert one.remarks() == [said.replace("2 images", "1 image")]

    def test_other_paper_is_counted_in_pictures_that_stay_as_they_are(self):
        """An array of light images may be meant so."""
        images = self.block(FORM, 3).images
        images[1:] = 255 - images[1:]
        block = Block(list("abc"), images, [None] * 3)
        for pictures, way, counted in (
            *((True, "auto", True), (False, "auto", False)),
            *((True, "whole", False), (True, "digit", False)),
        ):
            fit = Fitting(way, "own", pictures)
            fit(FORM, block)
            remarks = fit.remarks()
            assert len(remarks) == 1 + counted
            assert not counted or remarks[1].startswith("2 of them have a light border")


class TestPreview:
    @pytest.mark.parametrize("sizes", [[9], [4, 5], [1, 2, 3, 3], [2] * 4 + [1]])
    def test_the_least_confident_are_shown(self, sizes, monkeypatch):
        """By the least confidence of any model; of the same, the earlier one first."""
        monkeypatch.setattr(previews, "SHOWN", 4)
        one = np.float32([0.9, 0.5, 0.8, 0.5, 0.4, 0.9, 0.4, 0.7, 0.4])
        other = np.float32([0.9, 0.9, 0.3, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9])
        preview = Preview([model("one"), model("other")])
        start = 0
        for size in sizes:
            some = slice(start, start + size)
            likely = [np.stack([0 * each[some], each[some]], axis=1) for each in (one, other)]
            names = [str(number) for number in range(start, start + size)]
            images = {FORM: np.zeros((size, 8, 8), np.uint8)}
            preview.add(Predicted(names, [None] * size, images, likely))
            start += size
        page = preview.page()
        assert re.findall(r"<span>(\d)</span>", page) == ["2", "4", "6", "8"]
        assert "9 images; the 4 with the lowest confidence are shown" in " ".join(page.split())

    def test_each_image_with_its_predictions(self):
        """As the first model saw it, which has another size than the second."""
        preview = Preview([model("one"), model("other", WIDER)])
        images = {form: np.zeros((3, form.height, form.width), np.uint8) for form in (FORM, WIDER)}
        likely = [LIKELY, LIKELY[::-1].copy()]
        preview.add(Predicted(list("abc"), ["7", None, None], images, likely))
        page = preview.page()
        texts = re.findall(r"<span>(.*?)</span>", page)
        assert [re.sub("<.*?>", "", text).replace("\N{NO-BREAK SPACE}", " ") for text in texts] == [
            *("a, labelled 7", "one: x 50.0 %", "other: =y 75.0 %"),
            *("c", "one: =y 75.0 %", "other: x 50.0 %"),
            *("b", "one: 7 62.5 %", "other: 7 62.5 %"),
        ]
        assert page.count("data:image/png") == 3


class TestBatches:
    @pytest.mark.parametrize("sizes", [[7], [3, 4], [1] * 7])
    def test_an_image_that_cannot_be_used_is_named_and_all_others_predicted(self, sizes):
        """Each model gets images in its own form."""

        def fit(form: Form, block: Block) -> np.ndarray:
            if (block.images == 5).any():
                raise UserError("not this one")
            fitted = np.zeros((len(block.names), form.height, form.width))
            fitted[:, 0, 0] = block.images[:, 0, 0]
            return fitted

        images = np.arange(7).repeat(64).reshape(7, 8, 8)
        blocks, start = [], 0
        for size in sizes:
            place = slice(start, start + size)
            blocks.append(Block(list("abcdefg"[place]), images[place], list("ABCDEFG"[place])))
            start += size
        source = Images("x", lambda name: f"x, row {name}", False, True, 7, iter(blocks))
        shapes, said = [], []
        models = [
            SimpleNamespace(
                form=form,
                probabilities=lambda images: shapes.append(images.shape[1:]) or images[:, 0, :2],
            )
            for form in (FORM, WIDER, FORM)
        ]
        (found,) = predictions(source, models, 4, fit, said.append)
        assert said == ["x, row f: not this one"]
        assert (found.names, found.labels) == (list("abcdeg"), list("ABCDEG"))
        assert shapes == [(8, 8), (8, 12), (8, 8)]
        for likely in found.probabilities:
            assert likely[:, 0].tolist() == [0, 1, 2, 3, 4, 6]

    def test_nothing_that_is_printed_meanwhile_is_seen(self, capsys):
        """As by Keras, which draws a progress bar on standard output, where the table goes."""
        loud = SimpleNamespace(form=FORM, probabilities=lambda images: print("1/1") or images)
        block = Block(["a"], np.zeros((1, 8, 8)), [None])
        source = Images("x", str, False, False, 1, iter([block]))
        assert len(list(predictions(source, [loud], 4, lambda _, one: one.images, print))) == 1
        assert capsys.readouterr().out == ""
