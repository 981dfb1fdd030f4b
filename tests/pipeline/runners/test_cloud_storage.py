"""Photographs in Cloud Storage, prepared into Cloud Storage, on a server that stands in for it."""

import json
import os
import subprocess
import sys

import pytest

# Run in a process of its own, since clients keep the address that they began with.
FILES = """
import contextlib
from zfnet.components.storage.files import list_folder, open_file, atomic_file

names = ["a[1].jpg", "b*.jpg", "글.jpg", "two words.jpg", ".hidden"]
for name in names:
    with atomic_file(f"gs://photos/odd [x]/{name}") as file:
        file.write(name.encode() * 1000)
with contextlib.suppress(RuntimeError), atomic_file("gs://photos/odd [x]/never") as file:
    file.write(b"half")
    raise RuntimeError
print([(entry.name, entry.size) for entry in list_folder("gs://photos/odd [x]")])
with open_file("gs://photos/odd [x]/a[1].jpg") as file:
    print(file.read() == b"a[1].jpg" * 1000)
"""

IN_A_TABLE = (
    ("first", "first/astronaut.png"),
    ("first", "first/camera.png"),
    ("second", "second/brick.png"),
    ("second", "second/chelsea.png"),
)


@pytest.mark.timeout(300)
def test_files_are_listed_read_and_written_whole(bucket, fetch):
    command = [sys.executable, "-W", "ignore", "-c", FILES]
    done = subprocess.run(command, env={**os.environ, **bucket}, capture_output=True, text=True, timeout=120)
    expected = sorted((name, 1000 * len(name.encode())) for name in ("a[1].jpg", "b*.jpg", "글.jpg", "two words.jpg"))
    assert done.stdout.splitlines() == [str(expected), "True"], done.stderr
    assert set(fetch("odd [x]/")) == {".hidden", "a[1].jpg", "b*.jpg", "글.jpg", "two words.jpg"}


@pytest.mark.timeout(300)
def test_from_a_bucket_to_a_bucket(bucket, fetch, prepare, photographs, by_one_process, tmp_path):
    done = prepare("gs://photos/all", "gs://photos/prepared", **bucket)
    assert (done.returncode, done.stderr) == (0, "")
    found = fetch("prepared/")
    assert found.keys() == {name.replace(photographs.name, "all") for name in by_one_process}
    shards = [name for name in found if ".tfrecord-" in name]
    assert len(shards) == 7
    originals = {name.partition("-")[2]: content for name, content in by_one_process.items()}
    assert all(found[name] == originals[name.partition("-")[2]] for name in shards)
    table = "".join(f"gs://photos/all/{name},{label}\n" for label, name in (*IN_A_TABLE, ("first", "first/none.jpg")))
    out = tmp_path / "from_a_table"
    (tmp_path / "table.csv").write_text(table)
    done = prepare(tmp_path / "table.csv", out, "--max-rejected", "0.5", **bucket)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line)["reason"] for line in (out / "rejected.jsonl").read_text().splitlines()] == ["no such file"]
    again = prepare("gs://photos/all", "gs://photos/prepared", **bucket)
    assert (again.returncode, "gs://photos/prepared is not empty" in again.stderr) == (1, True)
