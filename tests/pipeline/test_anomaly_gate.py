import json

import pytest

from zfnet.components.artifacts import Anomalies
from zfnet.pipeline.anomaly_gate import refuse_anomalies


def test_anomaly_is_refused(tmp_path):
    (tmp_path / "anomalies.json").write_text(json.dumps([{"kind": "tiny_class", "message": "Class cat has 1 example."}]))
    with pytest.raises(ValueError, match=r"1 anomalies, the first: Class cat has 1 example. All are in .*anomalies.json; without --strict"):
        refuse_anomalies(Anomalies(tmp_path))


def test_nothing_suspicious_passes(tmp_path):
    (tmp_path / "anomalies.json").write_text("[]")
    refuse_anomalies(Anomalies(tmp_path))
