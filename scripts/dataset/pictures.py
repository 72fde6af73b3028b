"""Read datasets from folders of images: train/CLASS/* and test/CLASS/*, or only CLASS/*."""

from collections import Counter
from typing import IO, Any

import numpy as np
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from core.errors import UserError
from core.npz import reason
from core.text import printable
from dataset.files import Files
from dataset.found import Found
from dataset.parts import PARTS
from dataset.shapes import check_size, resized

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff")
MOST_PIXELS = 2**25  # per image, before resizing: half a GB with transparency
DEEP = {"I;16": np.uint16, "I;16B": np.uint16, "I;16L": np.uint16, "I": np.int32, "F": np.float32}
SHOWN = 5  # files in a message
ALLOWED = "CLASS/image, or train/CLASS/image and test/CLASS/image"


def read_pictures_of(files: Files, size: tuple[int, int] | None) -> Found:
    """Read the image files among `files`; the folder of an image is its class.

    Images are rotated as their EXIF data says, colour is converted to grey, and transparent images
    are drawn on white. Of a JPEG with several images, the first is used. Pixels of more than 8 bits
    keep their values.

    Args:
        files: the files.
        size: (height, width) to resize the images to, or None.

    Raises:
        UserError: files are in unexpected folders, damaged, of several sizes or depths, or too
            large for the memory limit.
    """
    found = _placed(files)
    count = Counter(part for part, _, _ in found)
    images: dict[str, np.ndarray] = {}
    done: Counter[str] = Counter()
    kinds: dict[str, dict[Any, list[str]]] = {"size": {}, "depth": {}}
    problems, is_coloured = {}, False
    for part, _, name in tqdm(found, desc=printable(files.source), unit=" images", disable=None):
        try:
            pixels, coloured = read_picture(files, name)
        except UserError as error:
            problems[name] = str(error)
            continue
        is_coloured = is_coloured or coloured
        own = resized(pixels[None], *size)[0] if size else pixels
        kinds["size"].setdefault(own.shape, []).append(name)
        kinds["depth"].setdefault(own.dtype, []).append(name)
        if problems or max(map(len, kinds.values())) > 1:
            continue  # to report all errors together
        if part not in images:
            check_size(len(found), own.shape, own.dtype, printable(files.source))
            images[part] = np.empty((count[part], *own.shape), own.dtype)
        images[part][done[part]] = own
        done[part] += 1
    _check(files, len(found), problems, kinds)
    labels = {
        each: np.array([label for part, label, _ in found if part == each], np.str_)
        for each in images
    }
    return Found(images, labels, origin={"format": "images", "colour": is_coloured})


def read_picture(files: Files, name: str) -> tuple[np.ndarray, bool]:
    """One image, (height, width), and whether it has colour. Raises UserError, with only a reason,
    if it cannot be read.
    """
    try:
        with files.open_file(name) as file:
            return _decoded(file)
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise UserError("not an image; allowed: PNG, JPEG, BMP, GIF or TIFF") from error
    except Exception as error:  # Pillow raises many types for damaged files
        raise UserError(reason(error)) from error


def _placed(files: Files) -> list[tuple[str, str, str]]:
    """The part, class and name of each image."""
    paths = [name.split("/") for name in files.named(*SUFFIXES)]
    top = 0  # the number of folders that all paths share
    while (
        all(len(path) > top + 2 for path in paths)
        and len({path[top] for path in paths}) == 1
        and paths[0][top].lower() not in PARTS
    ):
        top += 1
    has_parts = len(paths[0]) == top + 3
    found = []
    for path in paths:
        part = PARTS.get(path[top].lower()) if has_parts else "train"
        name = "/".join(path)
        if part is None or len(path) != top + 2 + has_parts:
            raise UserError(
                f"{files.place(name)}: an image in an unexpected folder; allowed: {ALLOWED}"
            )
        found.append((part, path[-2], name))
    if "train" not in {part for part, _, _ in found}:
        raise UserError(f"{printable(files.source)}: no images of train; allowed: {ALLOWED}")
    return found


def _decoded(file: IO[bytes]) -> tuple[np.ndarray, bool]:
    """An image as (height, width), and whether it has colour."""
    with Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"{height}x{width} pixels; allowed: up to {MOST_PIXELS}")
        if image.format != "JPEG" and getattr(image, "is_animated", False):
            raise ValueError("several images in one file; allowed: one")
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode in DEEP:
            return np.asarray(image, DEEP[image.mode]), False
        if image.has_transparency_data:
            drawn = Image.new("RGBA", image.size, "white")
            drawn.alpha_composite(image.convert("RGBA"))
            image = drawn
        if image.mode in ("1", "L"):
            return np.asarray(image.convert("L")), False
        colour = image.convert("RGB")
        red, green, blue = colour.split()
        differs = any(ImageChops.difference(one, blue).getbbox() for one in (red, green))
        return np.asarray(colour.convert("L")), differs


def _check(
    files: Files, count: int, problems: dict[str, str], kinds: dict[str, dict[Any, list[str]]]
) -> None:
    """Raise UserError if there are problems, or several sizes or depths."""
    source = printable(files.source)
    if problems:
        some = "; ".join(
            f"{printable(name)} ({why})" for name, why in list(problems.items())[:SHOWN]
        )
        raise UserError(f"{source}: {len(problems)} of {count} images cannot be read: {some}")
    for kind, found in kinds.items():
        if len(found) > 1:
            most = sorted(found.items(), key=lambda each: -len(each[1]))
            some = ", ".join(
                f"{'x'.join(map(str, value)) if kind == 'size' else value} ({len(names)}, such"
                f" as {printable(names[0])})"
                for value, names in most[:SHOWN]
            )
            way = "one size, or download.resize: [height, width]" if kind == "size" else "one depth"
            raise UserError(f"{source}: images of {len(found)} {kind}s: {some}; allowed: {way}")
