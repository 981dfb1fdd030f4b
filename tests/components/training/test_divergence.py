import pytest

from zfnet.components.data.batches import read_origins
from zfnet.components.training.checkpoints import STATE, VARIABLES, Checkpoints
from zfnet.components.training.divergence import report_divergence
from zfnet.components.training.recipe import Recipe

RECIPE = Recipe("zfnet-small", 3, 8, 0.01, 5, 0, "ten", True)


def test_step_examples_and_the_last_good_checkpoint_are_named(examples, tmp_path):
    (tmp_path / "epoch-0001").mkdir()
    for name in (STATE, VARIABLES):
        (tmp_path / "epoch-0001" / name).touch()
    with pytest.raises(ValueError, match=r"at step 12 \(epoch 2, step 4 of 8\)") as raised:
        report_divergence(examples, RECIPE, Checkpoints(tmp_path), 11, steps=8, batch_size=8)
    message = str(raised.value)
    assert f"The last good checkpoint is epoch-0001 in {tmp_path}." in message
    named = message.split("its batch: ")[1].split(". The last")[0].split(", ")
    assert len(set(named) & set(read_origins(examples, "train")[2])) == 8


def test_many_examples_are_named_in_part(examples, tmp_path):
    with pytest.raises(ValueError, match=r"The 60 examples of its batch: .* \.\.\.\. There is no checkpoint before it") as raised:
        report_divergence(examples, RECIPE, Checkpoints(tmp_path), 0, steps=1, batch_size=60)
    assert len(str(raised.value)) < 600
