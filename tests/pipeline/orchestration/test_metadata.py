import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest
import sqlalchemy as sql

from zfnet.pipeline.orchestration import metadata
from zfnet.pipeline.orchestration.metadata import open_metadata, open_recorded, root_name


def execution(session: metadata.Metadata, step: str, number: int) -> metadata.Execution:
    return metadata.Execution(
        id=number, root=session.root, step=step, key="k", status="done", parameters={"epochs": 3}, code_version="c", versions={}
    )


def record(root: pathlib.Path, url: str | None, step: str, number: int) -> None:
    with open_metadata(root, url) as session:
        context = metadata.Context(root=session.root, command=f"zfnet run {step}", status="done")
        context.associations.append(metadata.Association(execution=execution(session, step, number), cached=False))
        session.add(context)
        session.commit()


def steps(root: pathlib.Path, url: str | None) -> list[str]:
    with open_recorded(root, url) as session:
        assert [context.command.split()[-1] for context in session.contexts()] == [found.step for found in session.executions()]
        return [found.step for found in session.executions(status="done")]


def test_roots_own_database_moves_with_it(tmp_path):
    (tmp_path / "one").mkdir()
    record(tmp_path / "one", None, "Add", 1)
    (tmp_path / "one").rename(tmp_path / "two")
    assert steps(tmp_path / "two", None) == ["Add"]


def keeps_roots_apart(url: str, directory: pathlib.Path) -> None:
    for number, name in enumerate(("one", "two"), start=1):
        record(directory / name, url, name, number)
    assert steps(directory / "one", url) == ["one"]
    assert steps(directory / "two", url) == ["two"]
    # As somebody on another machine asks for it.
    assert steps(pathlib.Path(f"{socket.gethostname()}:{directory}/two"), url) == ["two"]
    with pytest.raises(FileNotFoundError, match=r"has no records of the root .*/three\. It has .*/one, .*/two; give"):
        steps(directory / "three", url)


def test_roots_in_one_file_are_kept_apart(tmp_path):
    keeps_roots_apart(f"sqlite:///{tmp_path}/runs.sqlite", tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["runs.sqlite"]


# Runs under a root of its own, and says what it had to do.
RUN = """
import sys
from zfnet.components.artifacts import Output, Statistics
from zfnet.pipeline.orchestration.local_runner import LocalRunner
from zfnet.pipeline.orchestration.step import Step

def add(statistics: Output[Statistics], *, number: int) -> None:
    (statistics.path / "sum.json").write_text(str(number))

with LocalRunner(sys.argv[1], "zfnet run", sys.argv[2]) as runner:
    results = runner.run([Step(f"Add{number}", add, {"number": number}) for number in range(8)])
    assert [result.outputs["statistics"].read_json("sum.json") for result in results.values()] == list(range(8))
    print(sum(result.cached for result in results.values()))
"""


def serves_several_runs(url: str, directory: pathlib.Path) -> None:
    (directory / "run.py").write_text(RUN)
    for cached in ("0\n", "8\n"):
        commands = [[sys.executable, directory / "run.py", directory / name, url] for name in ("one", "two", "three")]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands]
        for process in processes:
            output, errors = process.communicate(timeout=120)
            assert (process.returncode, output[-2:]) == (0, cached), errors
    engine = sql.create_engine(sql.make_url(url), poolclass=sql.NullPool)
    with engine.connect() as connection:
        [(numbers,)] = connection.execute(sql.text("SELECT count(*) FROM execution"))
    assert numbers == 24


def test_runs_at_the_same_time_share_a_file(tmp_path):
    serves_several_runs(f"sqlite:///{tmp_path}/runs.sqlite", tmp_path)


@pytest.fixture(scope="module")
def postgresql():
    """URL of a PostgreSQL server of this test's own, where Debian's package is installed."""
    programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (Debian's package postgresql)")
    # Not below pytest's own directory, which other users can't enter; and as root the server doesn't start.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="zfnet-postgresql-"))
    as_user = {"user": "postgres", "cwd": directory} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(directory, "postgres")
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    data = directory / "data"
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "zfnet", "--auth=trust", "--no-sync"], capture_output=True, text=True, **as_user
    )
    assert made.returncode == 0, made.stderr
    command = [programs / "postgres", "-D", data, "-p", str(port), "-k", directory, "-c", "fsync=off"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user)
    try:
        for _ in range(100):
            if subprocess.run([programs / "pg_isready", "-h", "localhost", "-p", str(port)], capture_output=True).returncode == 0:
                break
            assert server.poll() is None
            time.sleep(0.1)
        yield f"postgresql://zfnet:secret@localhost:{port}/postgres"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(directory)


@pytest.fixture
def emptied(postgresql):
    """The same server, with nothing in it."""
    engine = sql.create_engine(sql.make_url(postgresql).set(drivername="postgresql+psycopg"), poolclass=sql.NullPool)
    metadata.Base.metadata.drop_all(engine)
    return postgresql


def test_roots_on_a_server_are_kept_apart(emptied, tmp_path):
    keeps_roots_apart(emptied, tmp_path)


def test_runs_at_the_same_time_share_a_server(emptied, tmp_path):
    serves_several_runs(emptied.replace("postgresql:", "postgresql+psycopg:"), tmp_path)


def test_server_that_does_not_answer(tmp_path):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        url = f"postgresql://me:secret@localhost:{probe.getsockname()[1]}/runs"
    with (
        pytest.raises(OSError, match=r"The database postgresql\+psycopg://me:\*\*\*@localhost.* can't be opened") as told,
        open_metadata(tmp_path, url),
    ):
        pass
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["runs", "foo://host/runs", "sqlite://"])
def test_url_that_names_no_database(tmp_path, url):
    with (
        pytest.raises(ValueError, match=r"expected a URL such as .*sqlite:////directory/file.sqlite for --metadata"),
        open_metadata(tmp_path, url),
    ):
        pass


def test_driver_that_is_missing(tmp_path):
    with (
        pytest.raises(ValueError, match=r"The driver .* for the database oracle.* is not installed"),
        open_metadata(tmp_path, "oracle://me:secret@host/runs"),
    ):
        pass


def test_where_nothing_is_nothing_is_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="Nothing ran under"), open_recorded(tmp_path):
        pass
    with pytest.raises(FileNotFoundError, match="has no records of the root"), open_recorded(tmp_path, f"sqlite:///{tmp_path}/runs.sqlite"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_names_of_roots(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert root_name("gs://bucket/run") == "gs://bucket/run"
    assert root_name("run") == f"{socket.gethostname()}:{tmp_path}/run"
    assert root_name("other:/data/run") == "other:/data/run"


def test_what_is_written_is_read_by_the_next_session(tmp_path):
    with open_metadata(tmp_path) as session:
        execution = metadata.Execution(step="Trainer", key="k", status="done", parameters={"epochs": 3}, code_version="c", versions={})
        artifact = metadata.Artifact(kind="Model", path="trainer/1/model", digest="d", files={})
        execution.events.append(metadata.Event(artifact=artifact, direction="output", name="model"))
        context = metadata.Context(command="zfnet run", status="running")
        context.associations.append(metadata.Association(execution=execution, cached=False))
        session.add(context)
        session.commit()
    with open_metadata(tmp_path) as session:
        context = session.scalar(sql.select(metadata.Context))
        execution = context.associations[0].execution
        assert execution.parameters == {"epochs": 3}
        assert execution.seconds is None
        assert execution.artifacts("output")["model"].path == "trainer/1/model"
        assert execution.artifacts("input") == {}
        assert execution.started.endswith("+00:00")


@pytest.mark.parametrize(("text", "whole"), [("12345", True), ("1234", False), (None, False)])
def test_artifact_is_whole_while_its_files_have_their_sizes(tmp_path, text, whole):
    (tmp_path / "made" / "deep").mkdir(parents=True)
    if text is not None:
        (tmp_path / "made/deep/file").write_text(text)
    assert metadata.Artifact(kind="Model", path="made", digest="d", files={"deep/file": 5}).is_whole(tmp_path) is whole


@pytest.mark.parametrize("damage", ["header", "page", "cut", "text"])
def test_damaged_file_is_noticed_when_it_is_opened(tmp_path, damage):
    for number in range(1, 60):
        record(tmp_path, None, "Add", number)
    file = tmp_path / "metadata.sqlite"
    content = bytearray(file.read_bytes())
    if damage == "header":
        content[3] ^= 1
    elif damage == "page":
        content[8 * 4096 : 9 * 4096] = bytes(4096)
    elif damage == "cut":
        del content[len(content) // 2 :]
    else:
        content = b"no database"
    file.write_bytes(content)
    told = r"metadata\.sqlite (is damaged|can't be opened): .*Put a copy of the file back, or remove it\. .* lineage of models are lost"
    for opened in (open_metadata, open_recorded):
        with pytest.raises(OSError, match=told) as error, opened(tmp_path):
            pass
        assert "\n" not in str(error.value)


def test_runs_go_on_where_the_file_was_removed(tmp_path):
    (tmp_path / "run.py").write_text(RUN)
    file = tmp_path / "one/metadata.sqlite"

    def cached() -> str:
        command = [sys.executable, tmp_path / "run.py", tmp_path / "one", f"sqlite:///{file}"]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()[-1]

    assert cached() == "0"
    made = set((tmp_path / "one").glob("add*/*"))
    file.unlink()
    assert (cached(), cached()) == ("0", "8")
    assert made < set((tmp_path / "one").glob("add*/*"))


REMOTE = """
import sqlite3
from etils import epath
from zfnet.pipeline.orchestration import metadata
from zfnet.pipeline.orchestration.metadata import open_metadata, open_recorded

root = epath.Path("gs://photos/root")
file = root / "metadata.sqlite"

def add(session, command):
    session.add(metadata.Context(root=session.root, command=command, status="running"))

with open_metadata(root) as session:
    print(file.exists())
    add(session, "one")
    session.commit()
    with open_metadata(root) as another:  # as a step looks up what ran before
        print([context.command for context in another.contexts()])
    add(session, "two")
    session.commit()
    add(session, "three")  # and its process dies
epath.Path("copy.sqlite").write_bytes(file.read_bytes())
print(sqlite3.connect("copy.sqlite").execute("SELECT command, root FROM context").fetchall())
with open_recorded(root) as session:
    print([context.command for context in session.contexts()])
with open_metadata(root) as first, open_metadata(root) as second:
    add(first, "first")
    first.commit()
    add(second, "second")
    try:
        second.commit()
    except OSError as error:
        print(error)
with open_recorded(root) as session:
    print([context.command for context in session.contexts()])
"""


@pytest.mark.timeout(120)
def test_remote_root_has_its_database_replaced_after_every_commit(in_cloud, fetch):
    assert in_cloud(REMOTE).splitlines() == [
        "False",
        "['one']",
        "[('one', ''), ('two', '')]",
        "['one', 'two']",
        "gs://photos/root/metadata.sqlite was written by another process meanwhile and is not replaced.",
        "['one', 'two', 'first']",
    ]
    assert set(fetch("")) == {"root/metadata.sqlite"}
