"""Choose how to fit images to a model: unchanged, as a digit, or resized."""

from collections import Counter

import numpy as np

from prediction.form import Form
from prediction.inputs import Block

DIGITS = ("digits", "mnist")  # datasets of digits that were scaled and centred
WAYS = {
    "as it is": "already of the model's size, used unchanged",
    "digit": "the digit was scaled and centred (--fit digit)",
    "whole": "resized as a whole (--fit whole)",
}


class Fitting:
    """Fits images to a form, and counts how."""

    def __init__(self, way: str, dataset: str, pictures: bool) -> None:
        """Prepare for images from files of `pictures`, or from arrays or tables.

        Args:
            way: "digit" or "whole" for all images; "auto" only for images of another size than
                the model's, in the way that suits the training `dataset`.
        """
        self.by_size = way == "auto"
        self.digit = dataset in DIGITS if self.by_size else way == "digit"
        self.pictures = pictures
        self.counts: Counter[str] = Counter()
        self.other_paper = 0

    def __call__(self, form: Form, block: Block) -> np.ndarray:
        """The images of `block` in `form`, (n, height, width). Raises UserError."""
        if self.by_size and form.fits(block.images):
            found, way = form.as_it_is(block.images, self.pictures), "as it is"
            if self.pictures:
                self.other_paper += form.inverted(found)
        else:
            way = "digit" if self.digit else "whole"
            found = np.stack([form.fitted(image, self.digit) for image in block.images])
        self.counts[way] += len(found)
        return found

    def remarks(self) -> list[str]:
        """How the images were fitted, as lines."""
        lines = [
            f"{count:,} image{'s' * (count > 1)}: {WAYS[way]}"
            for way, count in sorted(self.counts.items())
        ]
        if self.other_paper:
            lines.append(
                f"{self.other_paper:,} of them have a light border and the training images a dark"
                " one, or the reverse; --fit digit or --fit whole inverts such images"
            )
        return lines
