"""Small git repositories whose commits hold results as evaluate writes them, made by hand."""

import csv
import io
import json
import subprocess
from pathlib import Path

import numpy as np

from core.split import Split, write_split
from core.text import csv_text

Mistakes = dict[str, list[int]]  # the images that each model gets wrong


class Repository:
    """A git repository with results of 100 test images, whose labels are their last digits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "reports").mkdir(parents=True)
        (folder / "params.yaml").write_text("seed: 1\n")
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *words]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def commit(self, subject: str, mistakes: Mistakes | None = None, **kinds) -> str:
        """Commit all there is, with the results `mistakes` if given; the commit's SHA-1."""
        if mistakes is not None:
            self.write(mistakes, **kinds)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self.git("rev-parse", "HEAD")

    def write(
        self,
        mistakes: Mistakes,
        images: int = 100,
        dataset: str = "toy",
        content: str = "0",
        checks: dict[str, dict] | None = None,
    ) -> None:
        """Write results: wrong predictions are the next digit, later ones more confident."""
        metrics = {
            name: {"failures": len(wrong), "successes": images - len(wrong)}
            for name, wrong in mistakes.items()
        }
        rows = io.StringIO()
        table = csv.writer(rows, lineterminator="\n")
        names = map(csv_text, mistakes)
        columns = (key for name in names for key in (name, f"{name}_confidence"))
        table.writerow(["index", "label", *columns])
        for index in sorted(set().union(*mistakes.values())):
            label = index % 10
            answers = [
                cell
                for wrong in mistakes.values()
                for cell in ((label + (index in wrong)) % 10, f"{0.5 + index / 1000:.4f}")
            ]
            table.writerow([index, label, *answers])
        reports = self.folder / "reports"
        (reports / "metrics.json").write_text(json.dumps(metrics))
        (reports / "failures.csv").write_text(rows.getvalue())
        stats = {"dataset": dataset, "sha256": content}
        stats |= {} if checks is None else {"checks": checks}  # results were without them once
        (reports / "stats.json").write_text(json.dumps(stats))


def write_images(path: Path, images: int = 100) -> None:
    """Test images of 4x4: image i has i in binary, from the left and the top."""
    bits = (np.arange(images)[:, None] >> np.arange(16)) & 1
    pixels = (bits * 16).astype(np.uint8).reshape(images, 4, 4)
    write_split(
        path,
        Split(pixels, np.arange(images) % 10, np.arange(10).astype(str), np.array([0.0, 16.0])),
    )
