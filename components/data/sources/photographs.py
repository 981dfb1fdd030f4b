"""The photographs that `photo_patches` is cut from: files that lie in the scikit-image and scikit-learn packages."""

import hashlib
import importlib.util
import pathlib
from dataclasses import dataclass

# The folder inside each package that holds its photographs, and the version whose files the digests below belong to.
FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
VERSIONS = {"skimage": "scikit-image 0.26.0", "sklearn": "scikit-learn 1.9.1"}

# Increased when other photographs, or other patches of them, are cut.
PHOTO_PATCHES_VERSION = "2.0.0"


@dataclass(frozen=True)
class Photograph:
    """One photograph: a file that ships inside an installed package, which is given by its import name.

    `name` is also the class of all patches cut from it. `sha256` is the hex SHA-256 that the file must have.
    """

    name: str
    package: str
    file: str
    sha256: str

    def read(self) -> bytes:
        """Returns the file's bytes, found without importing the package.

        Raises:
            ValueError: the package or the file is missing, or has other contents.
        """
        expected = f"the file that {VERSIONS[self.package]} ships, SHA-256 {self.sha256}"
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(f"The package {self.package} is not installed, and photo_patches needs its {self.file}: expected {expected}.")
        path = pathlib.Path(spec.submodule_search_locations[0], FOLDERS[self.package], self.file)
        try:
            content = path.read_bytes()
        except OSError as error:
            again = f"Install {VERSIONS[self.package]} again."
            raise ValueError(f"Cannot read {path} ({error.strerror}): expected {expected}. {again}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ValueError(f"{path} has SHA-256 {found}: expected {expected}. Install that version of the package.")
        return content


PHOTOGRAPHS = (
    Photograph("astronaut", "skimage", "astronaut.png", "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"),
    Photograph("brick", "skimage", "brick.png", "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf"),
    Photograph("camera", "skimage", "camera.png", "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a"),
    Photograph("chelsea", "skimage", "chelsea.png", "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb"),
    Photograph("china", "sklearn", "china.jpg", "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29"),
    Photograph("coffee", "skimage", "coffee.png", "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7"),
    Photograph("coins", "skimage", "coins.png", "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba"),
    Photograph("flower", "sklearn", "flower.jpg", "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638"),
    Photograph("grass", "skimage", "grass.png", "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89"),
    Photograph("gravel", "skimage", "gravel.png", "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12"),
    Photograph("hubble_deep_field", "skimage", "hubble_deep_field.jpg", "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4"),
    Photograph("ihc", "skimage", "ihc.png", "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef"),
    Photograph("retina", "skimage", "retina.jpg", "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6"),
    Photograph("rocket", "skimage", "rocket.jpg", "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c"),
    Photograph("text", "skimage", "text.png", "bd84aa3a6e3c9887850d45d606c96b2e59433fbef50338570b63c319e668e6d1"),
)
