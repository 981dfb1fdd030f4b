import subprocess
import sys

import pytest

from zfnet.pipeline import metadata
from zfnet.pipeline.known_architecture import refuse_unknown_architecture
from zfnet.pipeline.metadata_database import open_metadata


@pytest.fixture
def trained(tmp_path):
    """Records executions of the Trainer, `(status, architecture)`; returns the root."""

    def record(*executions):
        with open_metadata(tmp_path) as session:
            for status, architecture in executions:
                parameters = {"architecture": architecture}
                session.add(
                    metadata.Execution(step="Trainer", key="k", status=status, parameters=parameters, code_version="c", versions={})
                )
            session.commit()
        return tmp_path

    return record


def test_what_is_in_the_table_is_known(trained):
    refuse_unknown_architecture(trained(), "alexnet-small")


def test_what_is_not_is_refused_also_after_it_failed(trained):
    with pytest.raises(ValueError, match=r"no architecture 'resnet'. Choose one of: zfnet"):
        refuse_unknown_architecture(trained(("failed", "resnet"), ("done", "zfnet-small")), "resnet")


def test_tensorflow_is_not_imported_for_what_was_trained_before(trained):
    code = (
        "import pathlib, sys; from zfnet.pipeline.known_architecture import refuse_unknown_architecture;"
        "refuse_unknown_architecture(pathlib.Path(sys.argv[1]), 'alexnet-small'); print('tensorflow' in sys.modules)"
    )
    for executions, imported in ([("done", "zfnet-small")], "True\n"), ([("done", "alexnet-small")], "False\n"):
        command = [sys.executable, "-c", code, trained(*executions)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == imported
