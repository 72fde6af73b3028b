"""Matplotlib with its own settings and fonts. All modules import it from here.

It is in `core` because networks also need it: Keras imports Matplotlib.
"""

import os
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

# It reads one file of settings, once, and prefers the one in the working folder to all others. In
# this folder, that is its own.
with chdir(Path(find_spec("matplotlib").origin).with_name("mpl-data")):
    import matplotlib
    from matplotlib import ticker
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Text is laid out with its own fonts. This comes after the import, which can write the list of
# installed fonts into a cache that other programs read.
os.environ["MPL_IGNORE_SYSTEM_FONTS"] = "1"

__all__ = ["Axes", "Axis", "Figure", "matplotlib", "ticker"]
