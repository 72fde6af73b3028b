"""A page that shows what the models saw, and what they made of it: the least sure answers first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drawing.images import as_grey, png, reduced, reduction
from drawing.templates import embedded, template_environment
from prediction.asking import Answered
from prediction.models import Model

SHOWN = 300
FOLDERS = Path(__file__).parent / "templates", Path(__file__).parents[1] / "templates"


class Seen:
    """The images of which some model was least sure, as many as a page bears."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = models
        self.images = 0
        self.kept: list[tuple[float, int, dict[str, Any]]] = []

    def add(self, answered: Answered) -> None:
        """Look at some more images."""
        sure = np.min([likely.max(axis=1) for likely in answered.probabilities], axis=0)
        most = self.kept[-1][0] if len(self.kept) == SHOWN else np.inf
        for place in np.argsort(sure, kind="stable")[:SHOWN].tolist():
            if sure[place] >= most:
                break
            described = self._described(answered, place)
            self.kept.append((float(sure[place]), self.images + place, described))
        self.kept = sorted(self.kept, key=lambda each: each[:2])[:SHOWN]
        self.images += len(answered.names)

    def page(self) -> str:
        """The page as HTML, which loads nothing."""
        template = template_environment(*FOLDERS).get_template("seen.html.j2")
        text = template.render(
            shown=[described for _, _, described in self.kept],
            images=self.images,
            models=[model.name for model in self.models],
            style=embedded(FOLDERS[1] / "style.css"),
        )
        return text.encode(errors="backslashreplace").decode()  # a path may hold half a character

    def _described(self, answered: Answered, place: int) -> dict[str, Any]:
        form = self.models[0].form
        image = answered.images[form][place : place + 1]
        small = reduced(image, reduction(form.height, form.width))[0]
        answers = []
        for model, likely in zip(self.models, answered.probabilities, strict=True):
            best = int(likely[place].argmax())
            answers.append((model.name, model.classes[best], float(likely[place, best])))
        return {
            "name": answered.names[place],
            "label": answered.labels[place],
            "png": png(as_grey(small, np.array([form.low, form.high]))),
            "answers": answers,
        }
