"""The nets of `keras.applications`, with random weights: the deconvnet is the one that autodiff computes, in 32 bits.

Most run eagerly here, as autodiff does. Compiled, TensorFlow fuses and rounds otherwise, which deep random nets amplify: at the
logits of EfficientNetB0 the two then differ by 6e-5 in 32 bits, and by 2e-15 in 64.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import applications, layers
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

from zfnet.model import Deconvnet, receptive_field

# Size of the images, and the last layer of each stage.
STAGES = {
    "VGG16": ((64, 48, 3), [f"block{stage}_pool" for stage in range(1, 6)]),
    "ResNet50": ((64, 48, 3), ["pool1_pool", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"]),
    "MobileNetV2": (
        (64, 48, 3),
        ["expanded_conv_project_BN", "block_2_add", "block_5_add", "block_12_add", "block_16_project_BN", "out_relu"],
    ),
    "DenseNet121": ((64, 48, 3), ["pool1", "pool2_pool", "pool3_pool", "pool4_pool", "relu"]),
    "InceptionV3": ((96, 80, 3), ["mixed0", "mixed2", "mixed3", "mixed7", "mixed8", "mixed10"]),
}


def photographs(size):
    return np.random.default_rng(0).normal(size=(2, *size)).astype("float32")


@functools.cache
def net(name, size=None):
    """A net whose activations neither vanish nor grow from layer to layer."""
    keras.utils.set_random_seed(1)
    size = size or STAGES[name][0]
    model = getattr(applications, name)(weights=None, classes=10, input_shape=size)
    random = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            # With a momentum of 0, one pass makes its moving statistics those of the images.
            layer.momentum = 0.0
            layer.beta.assign(random.normal(scale=0.3, size=layer.beta.shape))
            if layer.gamma is not None:
                layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape) * random.choice([1, 1, 1, -1], layer.gamma.shape))
        elif name == "VGG16" and isinstance(layer, layers.Conv2D | layers.Dense):
            deviation = np.sqrt(2 / np.prod(layer.kernel.shape[:-1]))
            layer.kernel.assign(random.normal(scale=deviation, size=layer.kernel.shape))
            layer.bias.assign(random.normal(scale=0.1, size=layer.bias.shape))
    model(photographs(size), training=True)
    return model


def test_compiled(equals_autodiff):
    equals_autodiff(net("MobileNetV2"), photographs(STAGES["MobileNetV2"][0]), ["predictions"])


@pytest.mark.parametrize("name", STAGES)
def test_every_kind_of_layer_and_the_end_of_every_stage(name, equals_autodiff, eagerly):
    size, stages = STAGES[name]
    first_of_kind = {type(layer): layer.name for layer in reversed(net(name).layers) if not isinstance(layer, layers.InputLayer)}
    equals_autodiff(net(name), photographs(size), [*first_of_kind.values(), *stages, "predictions"], corners=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", STAGES)
def test_every_convolution(name, equals_autodiff, eagerly):
    convolutions = [layer.name for layer in net(name).layers if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D)]
    equals_autodiff(net(name), photographs(STAGES[name][0]), convolutions, corners=False)


def test_backbone_of_a_classifier(equals_autodiff, eagerly):
    size = (64, 48, 3)
    backbone = applications.MobileNetV2(weights=None, include_top=False, input_shape=size, alpha=0.35)
    head = [layers.GlobalAveragePooling2D(), layers.Dropout(0.3), layers.Dense(4, "softmax", name="classes")]
    model = keras.Sequential([keras.Input(size), layers.RandomFlip(), layers.Rescaling(1 / 127.5, -1), backbone, *head])
    for layer in backbone.layers:
        layer.momentum = 0.0
    images = 127.5 * (photographs(size) + 1)
    model(images, training=True)
    equals_autodiff(model, images, ["Conv1_relu", "block_5_add", "classes"], corners=False)


def test_scaled_sum_of_inception_resnet(equals_autodiff):
    keras.utils.set_random_seed(0)
    image = keras.Input((24, 20, 3))
    maps = layers.Conv2D(5, 3, activation="relu", name="below")(image)
    beside = layers.Conv2D(5, 3, padding="same", name="beside")(maps)
    maps = layers.ReLU(name="above")(CustomScaleLayer(0.3)([maps, beside]))
    equals_autodiff(keras.Model(image, layers.Conv2D(4, 3, name="top")(maps)), photographs((24, 20, 3)), ["above", "top"])


@pytest.mark.slow
def test_squeeze_and_excitation_by_its_plain_gradient(equals_autodiff, eagerly):
    model = net("EfficientNetB0", (64, 48, 3))
    with pytest.raises(ValueError, match="'stem_activation' is of type Activation, with the activation 'silu'"):
        Deconvnet(model)
    deconvnet = Deconvnet(model, unsupported="gradient")
    equals_autodiff(
        deconvnet, photographs((64, 48, 3)), ["stem_activation", "block1a_se_excite", "block4a_dwconv", "predictions"], corners=False
    )


# The last layer of all or some stages, in nets that a deconvnet is not defined for.
OF_PAPERS = {
    "EfficientNetB0": ["stem_activation", "block2b_add", "block4a_dwconv", "block6d_add", "predictions"],
    "EfficientNetV2B0": ["block1a_project_activation", "block3b_add", "block5e_add", "predictions"],
    "MobileNetV3Small": ["expanded_conv_2_add", "expanded_conv_5_add", "expanded_conv_10_add"],
    "ConvNeXtTiny": ["convnext_tiny_stage_0_block_2_identity", "convnext_tiny_stage_3_block_2_gelu", "convnext_tiny_head_dense"],
}


@pytest.mark.parametrize("name", OF_PAPERS)
def test_nets_of_later_papers_by_their_rules(name, by_papers, equals_autodiff, eagerly):
    size = (64, 48, 3)
    model, random = net(name, size), np.random.default_rng(3)
    for layer in model.layers:
        # ConvNeXt begins with scales of 1e-6, which would hide all blocks.
        if isinstance(layer, layers.LayerNormalization) or type(layer).__name__ == "LayerScale":
            layer.gamma.assign(random.uniform(0.3, 1, layer.gamma.shape))
    with pytest.raises(ValueError, match=r"unsupported=\"literature\"\) uses the rule that later papers give it"):
        Deconvnet(model)
    deconvnet, images = Deconvnet(model, unsupported="literature"), photographs(size)
    equals_autodiff(deconvnet, images, OF_PAPERS[name], by_papers(model, images), corners=False)


def test_model_is_left_as_it_was(eagerly):
    model, images = net("MobileNetV2"), photographs((64, 48, 3))
    before = [weight.numpy() for weight in model.weights], model.get_config(), model(images).numpy()
    Deconvnet(model).project(images, "block_5_add", 3)
    after = [weight.numpy() for weight in model.weights], model.get_config(), model(images).numpy()
    assert all(np.array_equal(one, other) for one, other in zip(before[0], after[0], strict=True))
    assert before[1] == after[1]
    np.testing.assert_array_equal(before[2], after[2])


# Size and stride, added up by hand: of each layer, its size less one times the stride of what it sees.
FIELDS = {
    "VGG16": {
        "block1_conv2": (5, 1),
        "block3_conv3": (40, 4),
        "block4_conv3": (92, 8),
        "block5_conv3": (196, 16),
        "block5_pool": (212, 32),
    },
    "ResNet50": {"conv1_relu": (7, 2), "conv2_block3_out": (35, 4), "conv3_block4_out": (99, 8), "conv5_block3_out": (483, 32)},
}


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_fields(name):
    model = getattr(applications, name)(weights=None, include_top=False, input_shape=(224, 192, 3))
    fields = {layer: receptive_field(model, layer) for layer in FIELDS[name]}
    assert {layer: (*field.size, *field.stride) for layer, field in fields.items()} == {
        layer: (size, size, stride, stride) for layer, (size, stride) in FIELDS[name].items()
    }


def averaging(layer):
    kind = layers.AveragePooling2D if isinstance(layer, layers.MaxPooling2D) else type(layer)
    return kind.from_config(layer.get_config())


@pytest.mark.parametrize(
    ("name", "layer"),
    [("MobileNetV2", "block_5_add"), ("InceptionV3", "mixed1"), ("ResNet50", "conv3_block2_out")],
)
def test_receptive_fields_are_where_pixels_have_influence(name, layer):
    size = (224, 192, 3)
    model = getattr(applications, name)(weights=None, include_top=False, input_shape=size)
    field = receptive_field(model, layer)
    # Averages instead of maxima and all weights positive, so that no pixel is without influence.
    model = keras.models.clone_model(model, clone_function=averaging)
    for weight in model.weights:
        weight.assign(tf.fill(weight.shape, 1e-2 if "kernel" in weight.name else 0.0 if "mean" in weight.name else 1.0))
    features = keras.Model(model.input, model.get_layer(layer).output)
    row, column = (length // 2 for length in features.output.shape[1:3])
    image = tf.ones((1, *size))
    with tf.GradientTape() as tape:
        tape.watch(image)
        units = tf.reduce_sum(features(image)[0, row, column])
    influence = np.abs(tape.gradient(units, image)[0]).sum(axis=-1)
    rows, columns = (np.flatnonzero(influence.any(axis=axis)) for axis in (1, 0))
    for seen, place, axis in ((rows, row, 0), (columns, column, 1)):
        start = field.offset[axis] + place * field.stride[axis]
        assert (seen[0], seen[-1]) == (max(start, 0), min(start + field.size[axis], size[axis]) - 1)
