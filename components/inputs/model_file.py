"""Opens `.keras` files, which may come from anywhere: in safe mode, and with one clear message if that fails."""

import re
import zipfile

import keras
from etils import epath

from zfnet.components.storage.files import is_remote
from zfnet.components.storage.local_copy import local_file

# Registers the layers that the project's own files need.
from zfnet.model.net import layers as contrast_normalization  # noqa: F401

LARGEST = 4 << 30


def load_model_file(path: epath.PathLike) -> keras.Model:
    """Loads a `.keras` file without running any code in it.

    Raises:
        ValueError: there is no such file, it is no Keras file, holds more than 4 GiB, or needs code that neither Keras nor zfnet has.
    """
    path = epath.Path(path)
    if is_remote(path) and path.exists():
        path = epath.Path(local_file(path))
    if not path.exists():
        raise ValueError(f"There is no model file {path}; expected a .keras file, or a directory that `zfnet run` wrote.")
    if path.is_dir() or not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a Keras model file; expected a file that model.save('....keras') wrote.")
    with zipfile.ZipFile(path) as file:
        size = sum(member.file_size for member in file.infolist())
    if size > LARGEST:
        raise ValueError(f"{path} holds {size} bytes; model files of more than {LARGEST} bytes are not opened.")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # A damaged or foreign file can make Keras stumble anywhere.
        raise ValueError(f"{path} can't be loaded as a Keras model: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    if "`Lambda` layer" in text:
        return "it has a Lambda layer, whose code is in the file and is not run. Build the model with layers of Keras instead."
    if missing := re.search(r"Could not locate (class|function) '([^']+)'", text):
        return f"it needs the {missing[1]} {missing[2]!r}, which neither Keras nor zfnet has. Build the model with layers of Keras instead."
    return text.splitlines()[0]
