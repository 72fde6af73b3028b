"""Networks as `.keras` archives: the same network gives the same bytes."""

import json
import zipfile
from pathlib import Path

from networks.backend import keras


def write_keras_archive(path: Path, model: keras.Model) -> None:
    """Write `model` as Keras does, without the dates that Keras and zip put into it.

    Its HDF5 file holds no date. It may differ between versions of Keras and HDF5.
    """
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    metadata = json.loads(members["metadata.json"])
    del metadata["date_saved"]
    members["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name), members[name])  # dated 1980
