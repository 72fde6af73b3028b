"""Whether an image is taken as it is, or how it is brought into a model's form."""

from collections import Counter

import numpy as np

from prediction.form import Form
from prediction.inputs import Block

DIGITS = ("digits", "mnist")  # datasets of digits that were scaled and centred
WAYS = {
    "as it is": "of the size of the training images: taken as is",
    "digit": "of another size: the digit alone, scaled and centred (--fit digit)",
    "whole": "of another size: made larger or smaller as a whole (--fit whole)",
}


class Fitting:
    """Brings images into form, and counts what was done."""

    def __init__(self, way: str, dataset: str, pictures: bool) -> None:
        """Prepare for images that are `pictures`, or of arrays or tables.

        Args:
            way: "digit" or "whole" for all images; "auto" for those of another size than the
                model's, as suits the `dataset` that it was trained on.
        """
        self.by_size = way == "auto"
        self.digit = dataset in DIGITS if self.by_size else way == "digit"
        self.pictures = pictures
        self.counts: Counter[str] = Counter()
        self.other_paper = 0

    def __call__(self, form: Form, block: Block) -> np.ndarray:
        """The images of `block` in `form`, (n, height, width). Raises UserError for what cannot be
        used.
        """
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
        """What was done, in lines."""
        lines = [
            f"{count:,} image{'s' * (count > 1)} {WAYS[way]}"
            for way, count in sorted(self.counts.items())
        ]
        if self.other_paper:
            lines.append(
                f"{self.other_paper:,} of them have a light border where the model knows dark ones,"
                " or the other way round; --fit digit or --fit whole inverts those"
            )
        return lines
