"""The package as others install it: a wheel that has everything, among modules of their own that have the same names."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOMS = ("model", "components", "pipeline")
ROOT = pathlib.Path(__file__).resolve().parents[1]
IMPORT_ALL = """
import importlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
names = [".".join(path.relative_to(root).with_suffix("").parts) for path in sorted((root / "zfnet").rglob("*.py"))]
for name in names:
    module = importlib.import_module(name.removesuffix(".__init__"))
    assert pathlib.Path(module.__file__).is_relative_to(root), module.__file__
print(len(names))
"""
# What the example in README.md finds where it is run.
PREPARE = """
import pathlib, keras, numpy as np
from PIL import Image
keras.utils.set_random_seed(0)
layers = [keras.layers.Conv2D(8, 5, 4, activation="relu", name="block3_conv3"), keras.layers.MaxPooling2D(), keras.layers.Flatten()]
keras.Sequential([keras.Input((224, 224, 3)), *layers]).save("model.keras")
pathlib.Path("photographs").mkdir()
for number, name in enumerate(["dog", *range(8)]):
    picture = np.random.default_rng(number).integers(0, 255, (30, 20, 3), np.uint8)
    Image.fromarray(picture).save(f"photographs/{name}.jpg")
"""
CHECK = """
import sys
for name in ("gallery", "projection", "occlusion"):
    with Image.open(f"{name}.png") as picture:
        assert picture.width > 600, picture.size
used = [pathlib.Path(module.__file__) for name, module in sys.modules.items() if name.startswith("zfnet.") and module.__file__]
assert all(path.is_relative_to(sys.argv[1]) for path in used), used
import components, model, pipeline
print(*(module.OWNER for module in (model, components, pipeline)))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The directory of a wheel that was built and installed, and nothing else."""
    # From a copy: setuptools keeps what it built, and would pack a module again that was renamed since.
    work = tmp_path_factory.mktemp("wheel")
    copy, target = work / "source", work / "installed"
    copy.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("zfnet", *ROOMS):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(work), str(copy)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = work.glob("zfnet-*.whl")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    return target


@pytest.fixture
def run(installed, tmp_path):
    """Runs a program in an empty directory, which is searched for modules first and the installed wheel next; returns what it prints."""

    def run(program: str) -> str:
        command = [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(1, {str(installed)!r})\n{program}", str(installed)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


def test_everything_imports_from_a_built_wheel(run):
    sources = [path for room in ("zfnet", *ROOMS) for path in (ROOT / room).rglob("*.py")]
    assert int(run(IMPORT_ALL)) == len(sources)


def test_types_are_in_the_wheel(installed):
    assert all((installed / "zfnet" / room / "py.typed").is_file() for room in (".", *ROOMS))


def test_modules_of_the_users_own_stay_theirs(run, tmp_path):
    for room in ROOMS:
        (tmp_path / f"{room}.py").write_text(f"OWNER = 'my own {room}'\n")
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert run(PREPARE + example + CHECK) == "my own model my own components my own pipeline\n"
