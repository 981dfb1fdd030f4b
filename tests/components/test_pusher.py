import json
import shutil

import pytest
import tensorflow as tf

from zfnet.components.artifacts import Evaluation, Model, Serving
from zfnet.components.pusher import CHECKED, DIGEST, EXAMPLES_DIGEST, EXTRA, push
from zfnet.components.serving import export


@pytest.fixture
def evaluation(tmp_path):
    def make(blessed):
        (tmp_path / "evaluation").mkdir(exist_ok=True)
        (tmp_path / "evaluation" / "evaluation.json").write_text(json.dumps({"blessed": blessed}))
        return Evaluation(tmp_path / "evaluation")

    return make


def run(examples, model, evaluation, tmp_path, **also):
    (tmp_path / "output").mkdir(exist_ok=True)
    push(examples, model, evaluation, Serving(tmp_path / "output"), destination=str(tmp_path / "serving"), **also)
    return json.loads((tmp_path / "output" / "version.json").read_text())["version"]


def test_versions_increase(examples, model, evaluation, tmp_path):
    (tmp_path / "serving" / "9").mkdir(parents=True)
    (tmp_path / "serving" / "10.partial").mkdir()  # of a push that was killed
    (tmp_path / "serving" / "10.refused").mkdir()  # of one that failed its check
    assert run(examples, model, evaluation(True), tmp_path) == 10
    assert (tmp_path / "serving" / "10" / "saved_model.pb").is_file()
    assert (tmp_path / "serving" / "10" / "assets" / "labels.txt").read_text() == "blue\ngreen\nred\n"
    assert sorted(path.name for path in (tmp_path / "serving").iterdir()) == ["10", "9"]


def test_version_says_what_it_is(examples, model, evaluation, tmp_path):
    run(examples, model, evaluation(True), tmp_path)
    version = tmp_path / "serving/1"
    assert (version / DIGEST).read_text() == model.digest()
    assert (version / EXAMPLES_DIGEST).read_text() == examples.digest()
    assert json.loads((version / EXTRA / "evaluation.json").read_text()) == {"blessed": True, "pushed_anyway": None}
    checked = json.loads((version / CHECKED).read_text())
    assert set(checked["signatures"]) == {"serving_default", "probabilities", "project"}
    assert json.loads((tmp_path / "output/version.json").read_text())["checked"] == checked


def test_model_that_fails_its_check_is_kept_beside(examples, model, evaluation, tmp_path, monkeypatch):
    original = export.classification
    monkeypatch.setattr(
        export,
        "classification",
        lambda *given: lambda image_bytes: (answer := original(*given)(image_bytes)) | {"probabilities": answer["probabilities"] / 2},
    )
    with pytest.raises(ValueError, match=r"wrongly in its signature serving_default.* The exported model is kept as .*/serving/1\.refused"):
        run(examples, model, evaluation(True), tmp_path)
    assert [path.name for path in (tmp_path / "serving").iterdir()] == ["1.refused"]
    assert (tmp_path / "serving/1.refused/saved_model.pb").is_file()
    assert not (tmp_path / "output/version.json").exists()


def test_a_model_that_is_not_blessed_is_not_pushed(examples, model, evaluation, tmp_path):
    assert run(examples, model, evaluation(False), tmp_path) is None
    assert not (tmp_path / "serving").exists()


def test_reason_to_push_anyway_is_in_the_version(examples, model, evaluation, tmp_path):
    assert run(examples, model, evaluation(False), tmp_path, push_anyway="for the fair") == 1
    assert json.loads((tmp_path / "serving/1" / EXTRA / "evaluation.json").read_text()) == {
        "blessed": False,
        "pushed_anyway": "for the fair",
    }
    assert json.loads((tmp_path / "output/version.json").read_text())["pushed_anyway"] == "for the fair"
    # The latest reason counts.
    assert run(examples, model, evaluation(False), tmp_path, push_anyway="for the school") == 1
    assert json.loads((tmp_path / "serving/1" / EXTRA / "evaluation.json").read_text())["pushed_anyway"] == "for the school"
    # A blessed model needs no reason, and keeps its version.
    assert run(examples, model, evaluation(True), tmp_path, push_anyway="for the fair") == 1
    assert json.loads((tmp_path / "serving/1" / EXTRA / "evaluation.json").read_text()) == {"blessed": True, "pushed_anyway": None}
    assert json.loads((tmp_path / "output/version.json").read_text())["pushed_anyway"] is None


def test_the_model_that_is_served_already_keeps_its_version(examples, model, evaluation, tmp_path):
    assert run(examples, model, evaluation(True), tmp_path) == 1
    assert run(examples, model, evaluation(True), tmp_path) == 1
    other = Model(shutil.copytree(model.path, tmp_path / "other"))
    (other.path / "history.json").write_text("{}")
    assert run(examples, other, evaluation(True), tmp_path) == 2
    # Servers take the highest version, so going back is a version of its own.
    assert run(examples, model, evaluation(True), tmp_path) == 3


REMOTE = """
import sys
from zfnet.components.artifacts import Evaluation, Examples, Model, Serving
from zfnet.components.pusher import push

examples, model, evaluation = (kind(path) for kind, path in zip((Examples, Model, Evaluation), sys.argv[1:]))
for number in (1, 2):
    serving = Serving(f"gs://photos/pusher/{number}/serving")
    push(examples, model, evaluation, serving, destination="gs://photos/serving")
    print(serving.read_json("version.json")["version"])
"""


@pytest.mark.timeout(200)
def test_remote_version_is_found_when_all_of_it_is_there(examples, model, tmp_path, in_cloud, fetch, open_bucket):
    # Of a process that was killed: no digest, so it is not taken for the model.
    open_bucket().blob("serving/3/saved_model.pb").upload_from_string("half")
    (tmp_path / "evaluation.json").write_text(json.dumps({"blessed": True}))
    assert in_cloud(REMOTE, str(examples.path), str(model.path), str(tmp_path)).splitlines() == ["4"] * 2
    blobs = sorted(open_bucket().list_blobs(prefix="serving/4/"), key=lambda blob: blob.generation)
    names = [blob.name.removeprefix("serving/4/") for blob in blobs]
    assert names[-2:] == ["saved_model.pb", "assets.extra/model_digest.txt"]
    assert "variables/variables.index" in names
    for name, content in fetch("serving/4/").items():
        (tmp_path / "4" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "4" / name).write_bytes(content)
    assert set(tf.saved_model.load(str(tmp_path / "4")).signatures) == {"serving_default", "probabilities", "project"}
