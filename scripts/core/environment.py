"""The environment variables that a stage or command runs with, whatever its caller has set.

Libraries read many variables. Some change results (TF_ENABLE_ONEDNN_OPTS, OPENBLAS_CORETYPE), some
stop a run (MPLBACKEND, which every notebook sets). Most are read only once: when Python starts, or
when a library is loaded. So a script that was started with other variables starts once more, in the
same process, with the ones below. It takes a few hundredths of a second.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

# Variables that begin with these are removed: a library can read one that nobody here knows.
PREFIXES = (
    *("NPY_", "NUMPY_", "SCIPY_", "SKLEARN_", "SCIKIT_", "JOBLIB_", "LOKY_", "PANDAS_", "NUMEXPR_"),
    *("OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "NVPL_", "FLEXIBLAS", "MKL"),  # linear algebra
    *("OMP_", "GOMP_", "KMP_", "ACC_"),  # OpenMP
    *("KERAS_", "TF_", "TFE_", "TENSORFLOW_", "AUTOGRAPH_", "XLA_", "DNNL_", "ONEDNN_", "ZENDNN_"),
    *("ORT_", "ONNX_", "HDF5_", "PILLOW_", "TQDM_"),
    *("MPL", "_MPL", "MATPLOTLIB", "FREETYPE_", "SOURCE_DATE_EPOCH"),  # figures
    *("PYTHON", "GLIBC_TUNABLES"),
)
KEPT = {
    *("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "PYTHONUSERBASE"),  # where the packages are
    *("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
    "MPLCONFIGDIR",  # a cache, for a HOME that is read-only
}
VALUES = {
    "PYTHONUTF8": "1",  # the same text in any locale
    # Outside of the computations whose number of threads is a parameter. If OMP_NUM_THREADS is set,
    # scikit-learn does not count processors.
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,  # no keras.json
    "TF_ENABLE_ONEDNN_OPTS": "1",
}
if Path(sys.prefix, "conda-meta").exists():
    VALUES["PYTHONNOUSERSITE"] = "1"  # or packages in HOME come before those of conda
STARTED_AGAIN = "DIGITS_PIPELINE_PROCESS"  # the process that started again; children have others


def known(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables to run with, where `variables` are set."""
    others = {
        name: value
        for name, value in variables.items()
        if name in KEPT or not name.startswith(PREFIXES)
    }
    return {**others, **VALUES}


def start_again_if_needed() -> None:
    """Replace this process by a new start of its script, unless all variables are as above.

    Raises:
        SystemExit: a file that Python runs when it starts sets another variable, each time.
    """
    found = dict(os.environ)
    wanted = known(found)
    if found == wanted:
        return
    process = str(os.getpid())
    if found.get(STARTED_AGAIN) == process:
        _refuse(next(name for name in found if found[name] != wanted.get(name)))
    os.execve(sys.executable, sys.orig_argv, {**wanted, STARTED_AGAIN: process})  # noqa: S606


def _refuse(name: str) -> NoReturn:
    sys.exit(
        f"{name}={os.environ[name]}: set by a file that Python runs when it starts (a .pth file,"
        " sitecustomize or usercustomize); it can change results: remove it there"
    )
