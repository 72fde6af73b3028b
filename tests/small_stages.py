"""Stages on data so small that each takes a moment: noise with bright rows."""

import json
from pathlib import Path

import numpy as np

from core.split import read_split
from dataset.dataset import checked_dataset, write_dataset
from dataset.found import Found
from evaluate import evaluate
from preprocess import preprocess
from train_cnn import train_cnn
from train_logreg import train_logreg
from train_mlp import train_mlp


def dataset(
    folder: Path,
    side: int = 8,
    shape: tuple = (),
    classes: int = 10,
    images: int = 200,
    names: list[str] | None = None,
) -> Path:
    """Noise with a bright row that tells the class: easy to learn, of any size."""
    random = np.random.default_rng(0)
    x_parts, y_parts = {}, {}
    for part, count in (("train", images), ("test", images // 2)):
        y = np.arange(count) % classes
        height, width = shape or (side, side)
        x = random.integers(0, 120, (count, height, width), dtype=np.uint8)
        x[np.arange(count), y % height] += 100
        x[np.arange(count), :, y // height] += 30
        x_parts[part], y_parts[part] = x, y if names else y + 5
    found = Found(x_parts, y_parts, names)
    write_dataset(folder / "dataset.npz", checked_dataset("noise", "noise", found))
    return folder / "dataset.npz"


def split(
    folder: Path,
    validation_size: float = 0.1,
    train_size: int | str = "all",
    hold_out="none",
    **kinds,
):
    path = dataset(folder, **kinds)
    names = ("train", "validation", "test", "held_out")
    paths = {name: folder / f"{name}.npz" for name in names}
    sizes = {"validation_size": validation_size, "train_size": train_size}
    preprocess(path, **paths, hold_out=hold_out, **sizes, seed=1)
    return {name: read_split(paths[name]) for name in names}


def network_paths(folder: Path, name: str) -> dict[str, Path]:
    return {
        "train": folder / "train.npz",
        "validation": folder / "validation.npz",
        "network": folder / name / "network.json",
        "weights": folder / name / "network.weights.npz",
        "history": folder / name / "history.csv",
        "record": folder / name / "training.json",
    }


FIT = {
    **{"schedule": "constant", "epochs": 1, "batch_size": 32, "threads": 2, "seed": 1},
    "calibration": "none",
}


def run_mlp(folder: Path, hidden=(1024, 512), **fit) -> dict:
    settings = {"activation": "relu", "dropout": 0.25}
    fit = {"optimizer": "adam", "learning_rate": 0.001, **FIT, **fit}
    train_mlp(hidden=list(hidden), **settings, **network_paths(folder, "mlp"), **fit)
    return json.loads((folder / "mlp" / "training.json").read_text())


def run_cnn(folder: Path, **fit) -> dict:
    dropout = {"convolution_dropout": "recipe", "dense_dropout": "recipe"}
    own = {"architecture": "tutorial", "members": 1, **dropout}
    train_cnn(**network_paths(folder, "cnn"), **{**own, **FIT, **fit})
    return json.loads((folder / "cnn" / "training.json").read_text())


def run_logreg(folder: Path, calibration: str = "none") -> dict:
    paths = {name: folder / f"{name}.npz" for name in ("train", "validation")}
    out = {"model": "model.npz", "history": "history.csv", "record": "training.json"}
    paths |= {name: folder / "logreg" / file for name, file in out.items()}
    train_logreg(**paths, C=1.0, max_iter=50, tol=1e-4, calibration=calibration, threads=2)
    return json.loads((folder / "logreg" / "training.json").read_text())


def run_evaluate(
    folder: Path,
    *models: str,
    corrupted_images: int = 0,
    unknown_images: int = 20,
    seed: int = 1,
) -> dict:
    evaluate(
        folder / "test.npz",
        folder / "validation.npz",
        folder / "held_out.npz",
        [folder / name for name in models],
        folder / "metrics.json",
        folder / "summary.json",
        folder / "failures.csv",
        folder / "reliability.json",
        folder / "evaluation.npz",
        batch_size=64,
        corrupted_images=corrupted_images,
        unknown_images=unknown_images,
        threads=2,
        seed=seed,
    )
    return json.loads((folder / "metrics.json").read_text())


def parameters(record: dict) -> int:
    return sum(layer["parameters"] for layer in record["layers"])
