"""What all tests share: TensorFlow as the commands set it up, a server that stands in for Cloud Storage, and a folder of photographs."""

import contextlib
import fcntl
import gc
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def pytest_collection_modifyitems(config, items):
    """Puts the files first that took longest when `benchmarks/suite.py` ran, and before that what runs whole pipelines.

    A file of one long test that begins last is waited for by all others.
    """
    measured, long = config.rootpath / "benchmarks" / "suite.json", ("commands", "configs", "kubeflow", "runners")
    files = json.loads(measured.read_text())["files"] if measured.exists() else {}

    def order(item: pytest.Item) -> tuple[float, bool]:
        file = item.path.relative_to(config.rootpath).as_posix()
        return -files.get(file, {"seconds": 0})["seconds"], not any(part in item.path.parts for part in long)

    items.sort(key=order)


def pytest_collection_finish():
    """Leaves what is imported to no garbage collection: each looks at a million objects."""
    gc.collect()
    gc.freeze()


class Bar(NamedTuple):
    """A progress bar: its title, how many items it was told of, and those that passed."""

    title: str
    total: int
    items: list


@pytest.fixture
def bars(monkeypatch):
    """The progress bars that are made in a test, which show nothing and remember what passed."""
    from zfnet.model import progress

    made = []

    def bar(items, *, desc, total, **options):
        made.append(new := Bar(desc, total, []))
        for item in items:
            new.items.append(item)
            yield item

    monkeypatch.setattr(progress, "tqdm", bar)
    return made


def _free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def _serving(command: list, port: int, **options):
    """A process that is ended when the `with` statement ends; entered when it listens on `port`."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
                break
            assert process.poll() is None, f"{command} ended with exit code {process.returncode}"
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def free_port():
    """Finds a port that nobody listens on."""
    return _free_port


@pytest.fixture(scope="session")
def serving():
    """Keeps a server process for a `with` statement."""
    return _serving


@contextlib.contextmanager
def _fork_server(**environment: str):
    """Imports what commands import, once; gives a function from a command to one whose process is forked (see `forkserver.py`)."""
    server = pathlib.Path(__file__).with_name("forkserver.py")
    with tempfile.TemporaryDirectory(prefix="zfnet-fork-") as directory:
        address = pathlib.Path(directory) / "socket"
        # As the commands set up libraries before they import them.
        environment = {"EPATH_USE_TF": "false", "FSSPEC_GCS": '{"use_listings_cache": false}', "GRPC_VERBOSITY": "NONE", **environment}
        command = [sys.executable, "-W", "ignore", server, "serve", address]
        nothing = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        process = subprocess.Popen(command, env=os.environ | environment, **nothing)

        def forked(command: list) -> list[str]:
            while not address.exists():
                assert process.poll() is None, "The fork server has ended."
                time.sleep(0.1)
            return [str(word) for word in (sys.executable, "-I", "-S", server, address, *command)]

        try:
            yield forked
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def forked():
    """Changes a command into one whose process is forked where TensorFlow is imported already."""
    with _fork_server() as forked:
        yield forked


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Makes a directory of a name once for all workers of xdist, by a function that is given its path; nobody may change it later."""
    directory = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        directory = directory.parent

    def made(name: str, make: Callable[[pathlib.Path], None]) -> pathlib.Path:
        place = directory / "shared" / name
        place.parent.mkdir(exist_ok=True)
        with place.with_name(f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (done := place.with_name(f"{name}.done")).exists():
                shutil.rmtree(place, ignore_errors=True)  # of a worker in which it failed
                place.mkdir()
                make(place)
                done.touch()
        return place

    return made


class Metadata(http.server.BaseHTTPRequestHandler):
    """Hands out credentials that mean nothing, as a machine in the cloud gets its own; without them clients retry for half a minute."""

    ANSWERS = (
        ("token", {"access_token": "none", "expires_in": 3600, "token_type": "Bearer"}),
        ("service-accounts", {"email": "nobody", "scopes": [], "aliases": []}),
        ("universe", "googleapis.com"),
        ("project", "some-project"),
    )

    def do_GET(self):
        """Answers any question."""
        answer = next((answer for word, answer in self.ANSWERS if word in self.path), "")
        body = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json" if body.startswith("{") else "text/plain")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture(scope="module")
def cloud_storage():
    """A bucket called `photos`, empty, in a server on this machine: the environment in which it is found."""
    port, metadata = _free_port(), http.server.ThreadingHTTPServer(("localhost", 0), Metadata)
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    emulator = pathlib.Path(sysconfig.get_path("scripts")) / "gcp-storage-emulator"
    command = [emulator, "start", "--host=localhost", f"--port={port}", "--in-memory", "--default-bucket=photos"]
    with _serving(command, port):
        address = f"http://localhost:{port}"
        where = f"localhost:{metadata.server_port}"
        yield {
            "STORAGE_EMULATOR_HOST": address,
            "GCE_METADATA_HOST": where,
            "GCE_METADATA_IP": where,
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # else it is tried with encryption, which the server does not know
        }
    metadata.shutdown()
    metadata.server_close()


@pytest.fixture(scope="module")
def forked_in_cloud(cloud_storage):
    """As `forked`, where the bucket is found: Google's libraries read its address when they are imported."""
    with _fork_server(**cloud_storage) as forked:
        yield forked


@pytest.fixture(scope="module")
def open_bucket(cloud_storage):
    """Opens the bucket by Google's own client."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

    address = cloud_storage["STORAGE_EMULATOR_HOST"]

    def opened() -> storage.Bucket:
        client = storage.Client(project="some-project", credentials=AnonymousCredentials(), client_options={"api_endpoint": address})
        return client.bucket("photos")

    return opened


@pytest.fixture(scope="module")
def fetch(open_bucket):
    """Fetches every object below a prefix; returns the contents by what follows it in their names."""

    def found(prefix: str) -> dict[str, bytes]:
        blobs = open_bucket().list_blobs(prefix=prefix)
        return {blob.name.removeprefix(prefix): blob.download_as_bytes() for blob in blobs}

    return found


@pytest.fixture
def in_cloud(cloud_storage, tmp_path):
    """Runs a program where the bucket is found, as `zfnet` sets libraries up, and returns what it printed.

    In a process of its own, since clients keep the address that they began with. Its cache is below `tmp_path / "cache"`.
    """
    environment = {
        **os.environ,
        **cloud_storage,
        "EPATH_USE_TF": "false",
        "FSSPEC_GCS": '{"use_listings_cache": false}',
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }

    def start(program: str, *arguments: str) -> subprocess.Popen:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sys.executable, "-W", "ignore", "-c", program, *arguments]
        return subprocess.Popen(command, env=environment, cwd=tmp_path, **pipes)

    def run(program: str, *arguments: str) -> str:
        with start(program, *arguments) as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return output

    run.start = start
    return run


# A class is named by its directory, which may hold anything.
HOSTILE = "<img src=x onerror=alert(1)>"


class WholeRun(NamedTuple):
    """A run: its root, and what it was told of."""

    root: pathlib.Path
    epochs: int
    hostile: str
    command: str


@pytest.fixture(scope="session")
def whole_run(folder, shared, forked):
    """A run of three epochs on photographs one of which is none, and one of whose classes is called what would be HTML; only to read."""
    options = ["--root", "root", "--image-size", "56", "--epochs", "3", "--batch-size", "16", "--ten-crop"]
    command = ["zfnet", "run", "--data", "photographs", *options]

    def make(place):
        shutil.copytree(folder, place / "photographs")
        first = next(path for path in sorted((place / "photographs").iterdir()) if path.is_dir())
        first.rename(first.with_name(HOSTILE))
        (first.with_name(HOSTILE) / "broken.jpg").write_text("<script>no picture</script>")
        done = subprocess.run(forked(command), cwd=place, capture_output=True, text=True)
        assert done.returncode in (0, 3), done.stderr

    return WholeRun(shared("whole run", make) / "root", 3, HOSTILE, " ".join(command))


COLOURS = {"blue": (40, 60, 200), "green": (50, 180, 60), "red": (210, 50, 40)}


@pytest.fixture(scope="session")
def folder(shared):
    """Non-square photographs, 30 of each of three classes that a net can tell apart by colour."""

    def make(root):
        for name, colour in COLOURS.items():
            (root / name).mkdir()
            for number in range(30):
                rng = np.random.default_rng([number, *colour])
                noise = rng.normal(scale=40, size=(70 + number, 90, 3))
                Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)).save(root / name / f"{number}.png")

    return shared("photographs", make)
