import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from zfnet.components.data import training_batches as training_batches_module
from zfnet.components.data.crops import Crops, centring
from zfnet.components.data.training_batches import training_batches

SIZE = 56


def batches_of(examples, mean, **others):
    options = {"size": SIZE, "batch_size": 8, "seed": 3, "first_epoch": 1, "epochs": 2, "crops": "ten"}
    return training_batches(examples, mean, **options | others)


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("traced", [True, False])
def test_centring_gives_the_bits_of_centred_batches(examples, statistics, monkeypatch, held, traced):
    if not held:
        monkeypatch.setattr(training_batches_module, "MOST_HELD", 0)
    mean = statistics.mean_image()
    centre = centring(mean, SIZE)
    if traced:
        centre = tf.function(centre)
    numbers = set()
    pairs = zip(batches_of(examples, mean, centred=False), batches_of(examples, mean), strict=True)
    for (crops, labels), (expected, expected_labels) in pairs:
        assert crops.images.dtype == tf.uint8
        numbers |= set(crops.numbers.numpy().tolist())
        np.testing.assert_array_equal(centre(crops), expected)
        np.testing.assert_array_equal(labels, expected_labels)
    assert numbers == set(range(10))


def test_replicas_share_stored_crops(examples, statistics):
    mean = statistics.mean_image()
    shares = list(batches_of(examples, mean, centred=False, context=tf.distribute.InputContext(1, 0, 4)))
    for step, (crops, _) in enumerate(batches_of(examples, mean, centred=False)):
        parts = [share.images for share, _ in shares[4 * step : 4 * step + 4]]
        np.testing.assert_array_equal(np.concatenate(parts), crops.images)


@pytest.mark.parametrize("others", [{"crops": "random"}, {"strong_epochs": 1}])
def test_other_crops_are_centred_at_once(examples, statistics, others):
    with pytest.raises(ValueError, match=r"centred=False; expected crops='ten' and strong_epochs=0\. Use centred=True"):
        batches_of(examples, statistics.mean_image(), centred=False, **others)


def test_every_operation_runs_on_a_gpu():
    """No GPU runs the tests, so the kernels that this TensorFlow brings for one are looked up."""

    def has_kernel(operation):
        found = [kernel for kernel in kernels.get_registered_kernels_for_op(operation.type).kernel if kernel.device_type == "GPU"]
        fits = [all(operation.get_attr(one.name) in one.allowed_values.list.type for one in kernel.constraint) for kernel in found]
        return any(fits)

    specs = Crops(tf.TensorSpec((None, 4, 4, 3), tf.uint8), tf.TensorSpec((None,), tf.int32))
    graph = tf.function(centring(np.zeros((5, 5, 3)), 4)).get_concrete_function(specs).graph
    operations = [operation for operation in graph.get_operations() if operation.type not in ("Placeholder", "Const", "Identity")]
    assert {"ReverseV2", "Cast", "Sub"} <= {operation.type for operation in operations}
    if not any(kernel.device_type == "GPU" for kernel in kernels.get_registered_kernels_for_op("Sub").kernel):
        pytest.skip("this TensorFlow has no kernels for GPUs")
    assert [operation.type for operation in operations if not has_kernel(operation)] == []
