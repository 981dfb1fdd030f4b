"""Real photographs with some dirt among them, and processes that work for Beam."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import sysconfig
import time

import pytest
from PIL import Image

from zfnet.components.data.photographs import PHOTOGRAPHS

DIRT = {"고양이.jpg": b"<html>404</html>", "empty.png": b""}
# Run by Python when a worker starts: notes in a file of the process which shards it writes and whether TensorFlow is imported.
WITNESS = """
import os
import sys


def note(event, arguments):
    name = str(arguments[0])
    if (event == "open" and ".tfrecord-" in name and name.endswith(".partial")) or (event == "import" and name == "tensorflow"):
        file = os.open(os.path.join(os.environ["WITNESS"], str(os.getpid())), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(file, (event + " " + name + chr(10)).encode())
        os.close(file)


sys.addaudithook(note)
"""


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder of two classes: every photograph of scikit-image and scikit-learn, the left and the right of it, and what is none."""
    import io

    folder = tmp_path_factory.mktemp("data") / "photographs"
    for number, photograph in enumerate(PHOTOGRAPHS):
        image = Image.open(io.BytesIO(photograph.read())).convert("RGB")
        image.thumbnail((400, 300))
        for half, left in enumerate((0, image.width // 3)):
            file = folder / ("coarse", "fine")[number % 2] / f"{photograph.name}{half}.{('jpg', 'png')[half]}"
            file.parent.mkdir(parents=True, exist_ok=True)
            image.crop((left, 0, left + image.width * 2 // 3, image.height)).save(file)
    for name, content in {**DIRT, "half.jpg": (folder / "fine" / "brick0.jpg").read_bytes()[:3000]}.items():
        (folder / "fine" / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def zfnet():
    """Runs the command `zfnet`; returns the process, which must end well unless `fails`."""

    def run(*arguments: object, fails: bool = False, **environment: str) -> subprocess.CompletedProcess:
        command = [pathlib.Path(sysconfig.get_path("scripts")) / "zfnet", *arguments]
        process = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=180, env={**os.environ, **environment}
        )
        assert bool(process.returncode) == fails, process.stdout + process.stderr
        return process

    return run


@pytest.fixture(scope="session")
def in_one_process(zfnet, photographs, tmp_path_factory):
    """The photographs, prepared in one process on this machine."""
    prepared = tmp_path_factory.mktemp("local") / "prepared"
    zfnet("examples", photographs, "--out", prepared, *SMALL)
    return prepared


SMALL = ("--image-size", "56", "--num-shards", "6", "--max-rejected", "0.1")


def content(directory: pathlib.Path) -> dict[str, bytes]:
    """Every file of a directory, by its name."""
    return {str(file.relative_to(directory)): file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file()}


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def server(command: list, port: int, environment: dict[str, str] | None = None, cwd: pathlib.Path | None = None):
    """Runs a server until the `with` block ends; it begins when the server answers at its port."""
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
                break
            assert process.poll() is None, f"{command} ended with {process.returncode}"
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # With the workers that it started.
        process.wait()


@contextlib.contextmanager
def worker_pool(witness: pathlib.Path, python: str = sys.executable, **environment: str):
    """A process that starts workers, each a process, as it is asked to; yields the options that send work to it.

    What a worker writes and imports is noted in the directory `witness`.
    """
    (witness / "notes").mkdir(parents=True)
    (witness / "sitecustomize.py").write_text(WITNESS)
    port = free_port()
    environment |= {
        "PATH": f"{pathlib.Path(python).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(witness),
        "WITNESS": str(witness / "notes"),
    }
    command = [python, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    with server(command, port, environment, cwd=witness):
        yield ("--environment_type=EXTERNAL", f"--environment_config=localhost:{port}")


def noted(witness: pathlib.Path) -> dict[str, list[str]]:
    """What every worker process did, by its process id."""
    return {file.name: file.read_text().splitlines() for file in (witness / "notes").iterdir()}
