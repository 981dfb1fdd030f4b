"""The package as others install it: a wheel that has everything."""

import pathlib
import shutil
import subprocess
import sys

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


def test_everything_imports_from_a_built_wheel(tmp_path):
    # From a copy: setuptools keeps what it built, and would pack a module again that was renamed since.
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ROOMS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(copy)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("zfnet-*.whl")
    target = tmp_path / "installed"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    assert all((target / "zfnet" / room / "py.typed").is_file() for room in ROOMS)
    imported = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, {str(target)!r})\n{IMPORT_ALL}", str(target)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert imported.returncode == 0, imported.stderr[-2000:]
    sources = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert int(imported.stdout) == len(sources)
