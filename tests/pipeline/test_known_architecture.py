import subprocess
import sys

import pytest

from zfnet.pipeline import metadata
from zfnet.pipeline.known_architecture import refuse_unusable_architecture
from zfnet.pipeline.metadata_database import open_metadata


@pytest.fixture
def trained(tmp_path):
    """Records executions of the Trainer, `(status, architecture)`, on images of 96 pixels, and others of 48; returns the root."""

    def execution(step, status, **parameters):
        return metadata.Execution(step=step, key="k", status=status, parameters=parameters, code_version="c", versions={})

    def record(*executions):
        with open_metadata(tmp_path) as session:
            examples = {}
            for size in (48, 96):
                examples[size] = metadata.Artifact(
                    kind="Examples", path=f"examples/{size}", digest=f"digest-{size}", files={}, properties={}
                )
                made = execution("ExampleGen", "done", image_size=size)
                made.events = [metadata.Event(artifact=examples[size], direction="output", name="examples")]
                session.add(made)
            for status, architecture in executions:
                made = execution("Trainer", status, architecture=architecture)
                made.events = [metadata.Event(artifact=examples[96], direction="input", name="examples")]
                session.add(made)
            session.commit()
        return tmp_path

    return record


def test_what_is_in_the_table_is_known(trained):
    refuse_unusable_architecture(trained(), "alexnet-small", 96)


def test_what_is_not_is_refused_also_after_it_failed(trained):
    with pytest.raises(ValueError, match=r"no architecture 'resnet'. Choose one of: zfnet"):
        refuse_unusable_architecture(trained(("failed", "resnet"), ("done", "zfnet-small")), "resnet", 96)


def test_too_small_images_are_refused(trained):
    with pytest.raises(ValueError, match="Images of 48 x 48 pixels are too small for zfnet-small: pool5 needs 3 x 3 positions"):
        refuse_unusable_architecture(trained(("done", "zfnet-small")), "zfnet-small", 48)


def test_tensorflow_is_not_imported_for_what_was_trained_before(trained):
    code = (
        "import pathlib, sys; from zfnet.pipeline.known_architecture import refuse_unusable_architecture;"
        "refuse_unusable_architecture(pathlib.Path(sys.argv[1]), 'alexnet-small', 96); print('tensorflow' in sys.modules)"
    )
    for executions, imported in ([("done", "zfnet-small")], "True\n"), ([("done", "alexnet-small")], "False\n"):
        command = [sys.executable, "-c", code, trained(*executions)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == imported
