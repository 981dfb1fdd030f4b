"""As near to Dataflow as it goes without a cloud: the job it would be sent, and the package that its workers would install."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
UV = pathlib.Path(sys.executable).parent / "uv"
OPTIONS = ["--project=some-project", "--region=europe-west4", "--no_auth"]


@pytest.fixture(scope="module")
def job(bucket, fetch, prepare, tmp_path_factory):
    """What is staged for a job that is written down instead of run: the job, and the package's archive."""
    options = [*OPTIONS, "--template_location=gs://photos/job.json", f"--dataflow_endpoint={bucket['STORAGE_EMULATOR_HOST']}"]
    done = prepare("gs://photos/all", "gs://photos/prepared", "--runner", "DataflowRunner", "--", *options, **bucket)
    assert done.returncode == 1
    assert "Nothing was run, as --template_location asks: the job is in gs://photos/job.json" in done.stderr
    objects = fetch("")
    (archive,) = [name for name in objects if name.endswith("/workflow.tar.gz")]
    assert archive.startswith("prepared-beam/")  # beside the output, not in it
    path = tmp_path_factory.mktemp("staged") / "workflow.tar.gz"
    path.write_bytes(objects[archive])
    return json.loads(objects["job.json"]), path


@pytest.mark.timeout(300)
def test_the_job_is_whole(job):
    description, archive = job
    assert description["environment"]["sdkPipelineOptions"]["options"]["region"] == "europe-west4"
    staged = [package["location"] for package in description["environment"]["workerPools"][0]["packages"]]
    assert any(location.endswith("workflow.tar.gz") for location in staged)
    with tarfile.open(archive) as opened:
        names = [name.partition("/")[2] for name in opened.getnames()]
    modules = {str(path.relative_to(ROOT)) for room in ("model", "components", "pipeline") for path in (ROOT / room).rglob("*.py")}
    assert modules <= set(names)


def install(archive: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """Makes an environment with the package and what it requires, and nothing else; returns its Python."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, directory], check=True, env=environment)
    python = directory / "bin/python"
    command = [UV, "pip", "install", "--quiet", "--python", python, "--constraint", ROOT / "requirements.lock", archive]
    subprocess.run(command, check=True, env=environment, cwd=directory)
    return python


@pytest.mark.timeout(600)
def test_the_staged_package_works_where_nothing_else_is(job, photographs, prepare, by_one_process, worker_pool, notes, contents, tmp_path):
    python = install(job[1], tmp_path / "environment")
    with worker_pool(python, tmp_path / "workers") as port:
        workers = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}", "--direct_num_workers=2"]
        done = prepare(photographs, tmp_path / "prepared", "--", *workers)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "prepared") == by_one_process
    counted = notes(tmp_path / "workers")
    assert (len(counted), sum(number for number, _ in counted)) == (2, 17)
    assert not any(tensorflow for _, tensorflow in counted), "a folder's photographs are prepared without TensorFlow"


# What is left out, and what a worker says then.
LEFT_OUT = {
    "package": (
        "packages=find_packages(),",
        'packages=[name for name in find_packages() if name != "zfnet.components.data"],',
        "zfnet.components.data",
    ),
    "dependency": ('        "google-crc32c>=1.6",\n', "", "google_crc32c"),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["package", pytest.param("dependency", marks=pytest.mark.slow)])
def test_a_package_that_lacks_something_is_noticed(kind, photographs, prepare, worker_pool, tmp_path):
    line, instead, missing = LEFT_OUT[kind]
    repository = tmp_path / "repository"
    for room in ("zfnet", "model", "components", "pipeline"):
        shutil.copytree(ROOT / room, repository / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, repository)
    setup = (ROOT / "setup.py").read_text()
    assert line in setup
    (repository / "setup.py").write_text(setup.replace(line, instead))
    build = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path / "dist", repository]
    subprocess.run(build, check=True, capture_output=True)
    (archive,) = (tmp_path / "dist").iterdir()
    python = install(archive, tmp_path / "environment")
    with worker_pool(python, tmp_path / "workers") as port:
        workers = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
        done = prepare(photographs, tmp_path / "prepared", "--", *workers)
    assert done.returncode == 1
    assert f"No module named '{missing}'" in done.stderr
    assert list(tmp_path.glob("prepared*")) == []
