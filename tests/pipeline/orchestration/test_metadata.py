import json

import pytest
import sqlalchemy as sql

from zfnet.pipeline.orchestration import metadata
from zfnet.pipeline.orchestration.database import open_metadata, open_recorded
from zfnet.pipeline.orchestration.metadata import Execution, execution_record


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


def test_everything_recorded_is_told(tmp_path, run_tiny):
    run_tiny(tmp_path)
    with open_recorded(tmp_path) as session:
        trainer = session.executions(step="Trainer").one()
        record = execution_record(trainer)
        untold = {column.name for column in Execution.__table__.columns} - record.keys()
    assert untold == {"id", "root", "key"}
    assert record["directory"] == "trainer/3"
    assert {name: artifact["path"] for name, artifact in record["inputs"].items()} == {
        "examples": "example_gen/1/examples",
        "statistics": "statistics_gen/2/statistics",
    }
    assert (record["outputs"]["model"]["kind"], record["outputs"]["model"]["path"]) == ("Model", "trainer/3/model")
    assert json.loads(json.dumps(record)) == record
