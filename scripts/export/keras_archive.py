"""Networks as `.keras` archives: the same network gives the same bytes."""

import json
import time
import zipfile
from pathlib import Path

from core.errors import UserError
from networks.backend import keras

FIRST_YEAR = 1980  # of dates in zip archives


def write_keras_archive(path: Path, model: keras.Model) -> None:
    """Write `model` as Keras does, without the dates that Keras and zip put into it.

    Its HDF5 file holds no date. It may differ between versions of Keras and HDF5.

    Raises:
        UserError: the clock shows a year that zip cannot write.
    """
    year = time.localtime().tm_year
    if year < FIRST_YEAR:
        raise UserError(f"{path.name}: the clock shows the year {year}; allowed: from {FIRST_YEAR}")
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    metadata = json.loads(members["metadata.json"])
    del metadata["date_saved"]
    members["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name), members[name])  # dated 1980
