"""Declares the package `zfnet`: its public surface, its three folders, its dependencies and its command.

Imports setuptools alone, because Beam runs this file by itself (`--setup_file ./setup.py`) to make the archive that its workers install.
"""

import pathlib

import setuptools

ROOMS = ("model", "components", "pipeline")
HERE = pathlib.Path(__file__).resolve().parent


def find_packages() -> list[str]:
    """Names of all packages, `model/net` as `zfnet.model.net`, found on disk rather than listed."""
    packages = ["zfnet"]
    for room in ROOMS:
        packages.append(f"zfnet.{room}")
        packages.extend(f"zfnet.{room}.{name}" for name in setuptools.find_packages(str(HERE / room)))
    return packages


POSTGRESQL = ["psycopg[binary]>=3.2"]
# Google's client libraries and a server that stands in for Cloud Storage: what runs on Dataflow is tested without a cloud.
CLOUD = ["apache-beam[gcp]>=2.77", "gcp-storage-emulator>=2024.8", "gcsfs", "google-cloud-storage>=2.16"]
KUBEFLOW = ["kfp[kubernetes]>=2.17"]
TEST = [
    "playwright>=1.50",
    "mkdocs>=1.6,<2",
    "mkdocstrings[python]>=1",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
    "build",
    "mypy",
    "pre-commit",
    "ruff",
    *CLOUD,
    *KUBEFLOW,
    *POSTGRESQL,
]

setuptools.setup(
    name="zfnet",
    version="0.1.0",
    description="ZFNet: train a convolutional network and see what it sees, with deconvnet pictures.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    package_dir={"zfnet": "zfnet"} | {f"zfnet.{room}": room for room in ROOMS},
    packages=find_packages(),
    package_data={
        "zfnet": ["py.typed"],
        **{f"zfnet.{room}": ["py.typed"] for room in ROOMS},
        "zfnet.components.exploration": ["page/*"],
        "zfnet.pipeline": ["py.typed", "report.html"],
    },
    install_requires=[
        "apache-beam>=2.77",
        "click>=8.5",
        "etils[epath]>=1.9",
        "google-crc32c>=1.6",
        "h5py>=3.14",
        # TFDS imports it for its own data sets and does not declare it.
        "importlib-resources>=6",
        "jinja2>=3.1",
        "keras>=3.15",
        "matplotlib>=3.10",
        "numpy>=2.0",
        "pillow>=11",
        "requests>=2.32",
        "rich>=13.7",
        "scikit-image>=0.25,<0.27",
        "scikit-learn>=1.6",
        "scipy>=1.13",
        "sqlalchemy>=2.0",
        "tensorboard>=2.20",
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9.9",
        "tqdm>=4.66",
    ],
    extras_require={
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
        # With what it takes to build the package that is sent to workers.
        "gcp": ["apache-beam[gcp]>=2.77", "build", "gcsfs", "google-cloud-storage>=2.16", "setuptools"],
        "kfp": KUBEFLOW,
        # The driver for a database of runs that several roots share.
        "postgresql": POSTGRESQL,
        "test": TEST,
        # What benchmarks compare with. Of PyTorch one release, since its newest for Linux brings gigabytes of CUDA.
        "bench": ["captum>=0.9", "tf-explain>=0.3.1", "tf-keras-vis>=0.8.7", "torch==2.13.0", "xplique>=1.3.3"],
    },
    entry_points={"console_scripts": ["zfnet = zfnet.pipeline.cli.main:main"]},
)
