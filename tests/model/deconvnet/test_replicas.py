"""On two logical devices, in a process of its own: TensorFlow can't be told of them once it has started."""

import subprocess
import sys

SCRIPT = """
import keras, numpy as np, tensorflow as tf
from zfnet.model import Deconvnet, build, strongest_activations

(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
with strategy.scope():
    keras.utils.set_random_seed(5)
    model = build("zfnet-small", (96, 80, 3), 4)
images = np.random.default_rng(0).normal(scale=50, size=(23, 96, 80, 3)).astype("float32")
# Batches that can't be shared out evenly, and one with fewer images than replicas.
batches = [(images[:9], np.arange(9)), (images[9:22], np.arange(9, 22)), (images[22:], np.arange(22, 23))]
layers = ["conv1", "conv4", "fc6"]
alone = strongest_activations(model, batches, layers, k=4)
deconvnet = Deconvnet(model)
with strategy.scope():
    shares = list(deconvnet.maxima(images[:9], layers))
    shared = strongest_activations(deconvnet, batches, layers, k=4)
assert [start for start, _ in shares] == [0, 5], shares
assert [len(maxima[0]) for _, (maxima, _) in shares] == [5, 5]
for layer in layers:
    np.testing.assert_array_equal(shared[layer].examples, alone[layer].examples)
    np.testing.assert_array_equal(shared[layer].positions, alone[layer].positions)
    np.testing.assert_allclose(shared[layer].values, alone[layer].values, rtol=1e-4)
print("equal")
"""


def test_replicas_find_what_one_device_finds():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.strip() == "equal"
