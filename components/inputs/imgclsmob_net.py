"""ZFNets that others trained on ImageNet, by name: `imgclsmob:zfnet` and `imgclsmob:zfnetb`."""

import hashlib
import os
import pathlib
import shutil
import zipfile
from typing import TYPE_CHECKING, NamedTuple, Self

from zfnet.components.inputs.imagenet_net import IMAGENET, NONE, ImagenetNet
from zfnet.components.inputs.keras_cache import cache_directory, cached_file

if TYPE_CHECKING:
    import keras

SOURCE, LICENCE = "https://github.com/osmr/imgclsmob", "MIT"


class Published(NamedTuple):
    """Weights that imgclsmob publishes: an HDF5 file, its SHA-1, and the release that holds it as a zip."""

    file: str
    sha1: str
    release: str

    @property
    def address(self) -> str:
        """Address of the zip."""
        return f"{SOURCE}/releases/download/{self.release}/{self.file}.zip"


# From imgclsmob's own list, keras_/kerascv/models/model_store.py.
PUBLISHED = {
    "zfnet": Published("zfnet-1715-3226638b.h5", "3226638b9270c0f3a2ad5302d56b3f9d47706b88", "v0.0.395"),
    "zfnetb": Published("zfnetb-1483-6ff6768e.h5", "6ff6768e463fdd333cef5ecb821a456cff6debb8", "v0.0.400"),
}


class ImgclsmobNet(ImagenetNet):
    """A ZFNet of github.com/osmr/imgclsmob, whose weights have the MIT licence.

    Attributes:
        name: `"zfnet"`, or `"zfnetb"` with 512, 1024 and 512 maps in conv3 to conv5.
        weights: `"imagenet"`, `"none"` for random ones, always the same, or the path of a file like the published ones.

    Examples:
        >>> ImgclsmobNet.of("imgclsmob:zfnetb?weights=my.h5")
        ImgclsmobNet(name='zfnetb', weights='my.h5')
    """

    PREFIX = "imgclsmob:"

    @classmethod
    def of(cls, argument: str) -> Self:
        """Reads `imgclsmob:NAME`, or `imgclsmob:NAME?weights=` with `imagenet`, `none` or a path; nothing is built or downloaded.

        Raises:
            ValueError: there is no such net.
        """
        name, mark, choice = argument.removeprefix(cls.PREFIX).partition("?")
        key, _, weights = choice.partition("=") if mark else ("weights", "=", IMAGENET)
        if name not in PUBLISHED or key != "weights" or not weights:
            known = " or ".join(cls.PREFIX + each for each in PUBLISHED)
            raise ValueError(f"There is no net {argument!r}; expected {known}, and after it ?weights=none or ?weights=FILE if you like.")
        return cls(name, weights)

    @property
    def preprocessing(self) -> str:
        """Name of the preprocessing that the net was trained with."""
        return "torch"

    def open(self) -> "keras.Model":
        """Builds the net behind its preprocessing: it takes RGB 0..255 and gives the probabilities of ImageNet's classes.

        It is the row `imgclsmob-zfnet` or `imgclsmob-zfnetb` of `ARCHITECTURES`. The published weights come from Keras' cache, or are
        downloaded into it.

        Raises:
            ValueError: the weights can't be downloaded, or a file does not hold them; the message says how to go on.
        """
        from zfnet.components.inputs.imgclsmob_weights import set_imgclsmob_weights
        from zfnet.components.inputs.preprocessing import with_preprocessing
        from zfnet.model.net.build import build

        path = None if self.weights == NONE else self._published() if self.weights == IMAGENET else self._given()
        model = build(f"imgclsmob-{self.name}", seed=0)
        if path:
            set_imgclsmob_weights(model, path)
        return with_preprocessing(model, self.preprocessing)

    def _given(self) -> pathlib.Path:
        import h5py

        path = pathlib.Path(self.weights).expanduser()
        if not path.is_file():
            raise ValueError(f"There is no file {path}; expected weights for Keras, like {PUBLISHED[self.name].address}.")
        if not h5py.is_hdf5(path):
            raise ValueError(
                f"{path} is not HDF5; expected weights for Keras, like {PUBLISHED[self.name].address}.\n"
                "Weights for PyTorch (.pth) or MXNet (.params) are not read: a .pth file is a pickle, which may run any code."
            )
        return path

    def _published(self) -> pathlib.Path:
        """The published file in Keras' cache, unpacked and checked."""
        published = PUBLISHED[self.name]
        path = cache_directory() / published.file
        if not path.exists():
            wanted_by = f"{self.argument} ({LICENCE} licence, {SOURCE})"
            _unpack(cached_file(wanted_by, f"{published.file}.zip", published.address), path)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha1").hexdigest()
        if found != published.sha1:
            raise ValueError(
                f"{path} is not the file that imgclsmob published: its SHA-1 is {found}, expected {published.sha1}.\n"
                f"Delete it to download it again; for weights of your own, use {self.PREFIX}{self.name}?weights=FILE."
            )
        return path


def _unpack(packed: pathlib.Path, path: pathlib.Path) -> None:
    """Moves the file out of its zip to `path`, whole or not at all."""
    from zfnet.components.inputs.model_file import DAMAGED
    from zfnet.components.inputs.weights_size import check_unpacked_size

    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(packed) as archive:
            member = archive.getinfo(path.name)
            check_unpacked_size(packed, packed.stat().st_size, member.file_size)
            with archive.open(member) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target)
        partial.replace(path)
        packed.unlink()
    except (*DAMAGED, OSError) as error:
        raise ValueError(f"{packed} can't be unpacked: {error}. If it is damaged, delete it to download it again.") from error
    finally:
        partial.unlink(missing_ok=True)
