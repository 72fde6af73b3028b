"""Recipes: training settings that suit a network and the size and number of the images."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError

RECIPE = "recipe"  # the value that leaves a parameter to the recipe
# For few images: smaller batches and more epochs, to have at least this many steps.
STEPS_PER_EPOCH, STEPS = 20, 600
THREADS = 2  # the default of every training stage
CPU_FLAGS = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class Recipe:
    """A value for each training parameter.

    Attributes:
        optimizer, learning_rate, schedule, label_smoothing, averaging: like the parameters.
        epochs, batch_size: like the parameters, for many images.
        shift, test_time_shift: shares of the shorter side; the parameters are in pixels.
        rotation, zoom, shear: like the parameters.
        precision: "auto" is bfloat16 if the processor supports it, else float32.
    """

    optimizer: str
    learning_rate: float
    epochs: int
    batch_size: int
    schedule: str = "one_cycle"
    label_smoothing: float = 0.05
    shift: float = 1 / 28
    rotation: float = 0
    zoom: float = 0
    shear: float = 0
    averaging: float = 0
    test_time_shift: float = 1 / 28
    precision: str = "auto"


def resolved(
    stage: str, recipe: Recipe, requested: dict[str, Any], images: int, shape: tuple[int, int]
) -> dict[str, Any]:
    """The values of all training parameters: those requested, and those of the recipe for the rest.

    Args:
        stage: the section of params.yaml, for messages.
        recipe: the recipe.
        requested: the parameters; "recipe" leaves one to the recipe.
        images: the number of training images.
        shape: their height and width.

    Raises:
        UserError: a shift is as large as the images.
    """
    side = min(shape)
    said = dataclasses.asdict(recipe)
    said["batch_size"] = min(recipe.batch_size, math.ceil(images / STEPS_PER_EPOCH))
    said["shift"] = round(recipe.shift * side)
    said["test_time_shift"] = round(recipe.test_time_shift * side)
    given = {key: value for key, value in requested.items() if value != RECIPE}
    settings = {**said, **given}
    if "epochs" not in given:
        steps = math.ceil(images / settings["batch_size"])
        settings["epochs"] = max(recipe.epochs, math.ceil(STEPS / steps))
    if settings["precision"] == "auto":
        settings["precision"] = "bfloat16" if has_native_bfloat16() else "float32"
    for key in ("shift", "test_time_shift"):
        if settings[key] >= side:
            size = "x".join(map(str, shape))
            raise UserError(
                f"{stage}.{key}: {settings[key]} leaves nothing of images of {size};"
                f" allowed: less than {side}, or {RECIPE}"
            )
    return settings


def has_native_bfloat16() -> bool:
    """Whether the processor supports bfloat16. Detected on x86 Linux only; else False."""
    try:
        return not BFLOAT16_FLAGS.isdisjoint(CPU_FLAGS.read_text().split())
    except OSError:
        return False
