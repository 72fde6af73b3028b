"""A page that shows the images as the models saw them, the least confident predictions first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drawing.images import as_grey, png, reduced, reduction
from drawing.templates import embedded, template_environment
from prediction.batches import Predicted
from prediction.models import Model

SHOWN = 300
FOLDERS = Path(__file__).parent / "templates", Path(__file__).parents[1] / "templates"


class Preview:
    """The images with the least confident predictions of any model, up to SHOWN."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = models
        self.images = 0
        self.kept: list[tuple[float, int, dict[str, Any]]] = []

    def add(self, batch: Predicted) -> None:
        """Add the images of a batch."""
        confidence = np.min([likely.max(axis=1) for likely in batch.probabilities], axis=0)
        most = self.kept[-1][0] if len(self.kept) == SHOWN else np.inf
        for place in np.argsort(confidence, kind="stable")[:SHOWN].tolist():
            if confidence[place] >= most:
                break
            described = self._described(batch, place)
            self.kept.append((float(confidence[place]), self.images + place, described))
        self.kept = sorted(self.kept, key=lambda each: each[:2])[:SHOWN]
        self.images += len(batch.names)

    def page(self) -> str:
        """The page as HTML; it loads no other files."""
        template = template_environment(*FOLDERS).get_template("preview.html.j2")
        text = template.render(
            shown=[described for _, _, described in self.kept],
            images=self.images,
            models=[model.name for model in self.models],
            style=embedded(FOLDERS[1] / "style.css"),
        )
        return text.encode(errors="backslashreplace").decode()  # for lone surrogates in paths

    def _described(self, batch: Predicted, place: int) -> dict[str, Any]:
        form = self.models[0].form
        image = batch.images[form][place : place + 1]
        small = reduced(image, reduction(form.height, form.width))[0]
        predictions = []
        for model, likely in zip(self.models, batch.probabilities, strict=True):
            best = int(likely[place].argmax())
            predictions.append((model.name, model.classes[best], float(likely[place, best])))
        return {
            "name": batch.names[place],
            "label": batch.labels[place],
            "png": png(as_grey(small, np.array([form.low, form.high]))),
            "predictions": predictions,
        }
