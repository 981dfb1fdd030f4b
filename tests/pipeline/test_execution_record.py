import json

from zfnet.pipeline.execution_record import execution_record
from zfnet.pipeline.metadata import Execution
from zfnet.pipeline.metadata_database import open_recorded


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
