"""Variables and settings files that change what libraries do, from their documentation and code."""

from pathlib import Path

from fontTools.ttLib import TTFont
from matplotlib import get_data_path

# Two environments, because some variables hide the effect of others.
NUMBERS = {
    # https://numpy.org/doc/stable/reference/simd/build-options.html and global_state.html
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512_SKX X86_V3 X86_V4",
    "NPY_RELAXED_STRIDES_DEBUG": "1",
    "NUMPY_MADVISE_HUGEPAGE": "0",
    "NUMPY_WARN_IF_NO_MEM_POLICY": "1",
    # https://www.openmathlib.org/OpenBLAS/docs/runtime_variables
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENBLAS_L2_SIZE": "131072",
    "OPENBLAS_BLOCK_FACTOR": "1",
    "OPENBLAS_NUM_THREADS": "7",
    "OPENBLAS_DEFAULT_NUM_THREADS": "5",
    "OPENBLAS_THREAD_TIMEOUT": "4",
    "GOTO_NUM_THREADS": "3",
    # https://gcc.gnu.org/onlinedocs/libgomp/Environment-Variables.html; KMP_ and MKL_ are Intel's
    "OMP_NUM_THREADS": "5",
    "OMP_THREAD_LIMIT": "1",
    "OMP_DYNAMIC": "true",
    "OMP_SCHEDULE": "dynamic,1",
    "OMP_WAIT_POLICY": "passive",
    "OMP_PROC_BIND": "true",
    "OMP_PLACES": "{0}",
    "GOMP_CPU_AFFINITY": "0",
    "GOMP_STACKSIZE": "128",
    "KMP_BLOCKTIME": "0",
    "KMP_INIT_AT_FORK": "FALSE",
    "MKL_NUM_THREADS": "1",
    "MKL_CBWR": "COMPATIBLE",
    # https://scikit-learn.org/stable/computing/parallelism.html
    "SKLEARN_ASSUME_FINITE": "1",
    "SKLEARN_WORKING_MEMORY": "1",
    "SKLEARN_PAIRWISE_DIST_CHUNK_SIZE": "16",
    "SCIPY_ARRAY_API": "1",
    "LOKY_MAX_CPU_COUNT": "1",
    "JOBLIB_MULTIPROCESSING": "0",
    # https://keras.io/api/utils/config_utils
    "KERAS_MAX_EPOCHS": "0",
    "KERAS_MAX_STEPS_PER_EPOCH": "1",
    "KERAS_NNX_ENABLED": "1",
    # https://uxlfoundation.github.io/oneDNN, and what TensorFlow's library reads
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "TF_SET_ONEDNN_FPMATH_MODE": "BF16",
    "TF_NUM_INTRAOP_THREADS": "3",
    "TF_NUM_INTEROP_THREADS": "3",
    "TF_OVERRIDE_GLOBAL_THREADPOOL": "1",
    "TF_USE_EIGEN_PARALLEL_FOR_IN_WORK_SHARDER": "1",
    "TF_USE_DEEP_CONV2D": "1",
    "TF_FUNCTION_JIT_COMPILE_DEFAULT": "1",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
    "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "false",
    # https://freetype.org/freetype2/docs/reference/ft2-properties.html
    "FREETYPE_PROPERTIES": "truetype:interpreter-version=35",
    "MPL_IGNORE_SYSTEM_FONTS": "",
    # https://www.gnu.org/software/libc/manual/html_node/Hardware-Capability-Tunables.html
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4,-AVX512F",
    "MALLOC_PERTURB_": "85",
    "TZ": "Pacific/Apia",
    "PYTHONHASHSEED": "1",
    "SOURCE_DATE_EPOCH": "0",
}
SWITCHES = {
    "MPLBACKEND": "module://ipympl.backend_nbagg",
    "MATPLOTLIBRC": "FOLDER/settings",
    "MPLCONFIGDIR": "FOLDER/settings",
    "QT_API": "none",
    "KERAS_BACKEND": "torch",
    "KERAS_HOME": "FOLDER/settings",
    "KERAS_TORCH_DEVICE": "cuda",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_ENABLE_ZENDNN_OPTS": "1",
    "TF_DETERMINISTIC_OPS": "0",
    "TF_USE_LEGACY_KERAS": "1",
    "TF_ENABLE_CONTROL_FLOW_V2": "0",
    "TF_CPP_MIN_LOG_LEVEL": "0",
    "TF_CPP_MAX_VLOG_LEVEL": "1",
    "TF_CONFIG": "{",
    "TF_DISABLE_JIT_KERNELS": "1",
    "TF_ENABLED_DEVICE_TYPES": "GPU",
    "XLA_FLAGS": "--xla_no_such_flag",
    "AUTOGRAPH_VERBOSITY": "10",
    "NPY_ENABLE_CPU_FEATURES": "AVX512F NONE",
    "NPY_PROMOTION_STATE": "legacy",
    "OPENBLAS_NUM_THREADS": "-1",
    "OPENBLAS_VERBOSE": "2",
    "OMP_NUM_THREADS": "0",
    "OMP_DISPLAY_ENV": "verbose",
    "SKLEARN_WORKING_MEMORY": "much",
    "SKLEARN_WARNINGS_AS_ERRORS": "1",
    "SCIPY_ARRAY_API": "yes",
    "SCIKIT_LEARN_DATA": "/proc/none",
    "LOKY_MAX_CPU_COUNT": "none",
    "JOBLIB_TEMP_FOLDER": "/proc/none",
    "PANDAS_FUTURE": "1",
    "HDF5_PLUGIN_PATH": "/proc/none",
    "HDF5_DISABLE_VERSION_CHECK": "0",
    "ORT_LOAD_CONFIG_FROM_MODEL": "1",
    "TQDM_MININTERVAL": "often",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONDEVMODE": "1",
    "PYTHONMALLOC": "debug",
    "PYTHONINTMAXSTRDIGITS": "640",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LC_ALL": "C",
    "LANGUAGE": "tr_TR",
    "COLUMNS": "1",
}
MATPLOTLIBRC = (
    "backend: module://none\nfont.family: serif\nfont.size: 30\nlines.linewidth: 9\n"
    "axes.formatter.use_locale: True\naxes.unicode_minus: False\nsvg.fonttype: path\n"
    "text.usetex: True\npath.simplify: False\naxes.xmargin: 0.4\nno.such: 1\n"
)
KERAS = '{"floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}'


def write_settings(home: Path, folder: Path) -> None:
    """Write settings and a font into a new HOME, the working folder and `folder`/settings."""
    files = {
        home / ".config/matplotlib/matplotlibrc": MATPLOTLIBRC,
        home / ".config/matplotlib/stylelib/default.mplstyle": MATPLOTLIBRC,
        home / ".keras/keras.json": KERAS,
        home / ".theanorc": "[global]\nfloatX = float16\n",
        home / ".numpy-site.cfg": "[openblas]\nlibraries = none\n",
        folder / "settings/matplotlibrc": MATPLOTLIBRC,
        folder / "settings/keras.json": KERAS.replace("0.1", '0.1, "backend": "jax"'),
        folder / "matplotlibrc": MATPLOTLIBRC,
        folder / "keras.json": KERAS,
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with (folder / "matplotlibrc").open("ab") as file:
        file.write(b"# \xff, which is not UTF-8\n")
    # A wider font, under the names of Matplotlib's own and of the next ones that it looks for.
    for family in ("DejaVu Sans", "Arial", "Verdana"):
        font = TTFont(Path(get_data_path(), "fonts/ttf/DejaVuSansMono.ttf"))
        for record in font["name"].names:
            if record.nameID in (1, 4, 16):
                record.string = family
        path = home / f".local/share/fonts/{family}.ttf"
        path.parent.mkdir(parents=True, exist_ok=True)
        font.save(path)
