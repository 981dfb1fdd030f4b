"""Opens `.keras` files, which may come from anywhere: in safe mode, and with one clear message where that fails."""

import zipfile

import keras
from etils import epath

import zfnet.model  # noqa: F401 - registers the layers that the project's own files need

LARGEST = 4 << 30


def load_model_file(path: epath.PathLike) -> keras.Model:
    """Loads a model without running any code that the file brings.

    Args:
        path: a `.keras` file.

    Returns:
        The model.

    Raises:
        ValueError: if there is no such file, if it is none of Keras', if it is larger than 4 GiB, or if it needs code that this
            project does not have.
    """
    path = epath.Path(path)
    if not path.exists():
        raise ValueError(f"There is no model file {path}; expected a .keras file, or a directory that `zfnet run` wrote.")
    if path.is_dir() or not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a Keras model file; expected a file that model.save('....keras') wrote.")
    if path.stat().length > LARGEST:
        raise ValueError(f"{path} has {path.stat().length} bytes; model files of more than {LARGEST} bytes are not opened.")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} can't be loaded as a Keras model: {reason}") from error
