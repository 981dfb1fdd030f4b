"""The deconvnet over whole maps as TensorFlow's own operations make it: what the windows of this project are compared with.

It is written to be fast: one compiled pass for a batch of projections, the forward pass recorded once, nothing computed above the layer.
"""

import numpy as np
import tensorflow as tf


def make_projector(net, layer: str, images):
    """Records images, and prepares projections from `layer` of a net of convolutions, pools and norms in a row.

    Args:
        net: a Keras model, such as `ZFNet(include_top=False)`.
        layer: name of a convolution.
        images: float32 `(N, H, W, 3)`.

    Returns:
        The function `project(units, positions, examples)`, of int arrays `(M,)`, `(M, 2)`, `(M,)`, to `(M, H, W, 3)`.
    """
    import keras

    below = net.layers[1 : net.layers.index(net.get_layer(layer)) + 1]
    recorded = keras.Model(net.input, [net.input, *(step.output for step in below)])(images)
    pools = [number for number, step in enumerate(below) if isinstance(step, keras.layers.MaxPooling2D)]

    @tf.function
    def down(signal, examples):
        for number in reversed(range(len(below))):
            step, shape = below[number], recorded[number].shape
            if isinstance(step, keras.layers.Conv2D):
                size = (tf.shape(signal)[0], *shape[1:])
                signal = tf.nn.conv2d_transpose(tf.nn.relu(signal), step.kernel, size, step.strides, step.padding.upper())
            elif number in pools:
                signal = tf.raw_ops.MaxPoolGrad(
                    orig_input=tf.gather(recorded[number], examples),
                    orig_output=tf.gather(recorded[number + 1], examples),
                    grad=signal,
                    ksize=(1, *step.pool_size, 1),
                    strides=(1, *step.strides, 1),
                    padding=step.padding.upper(),
                )
            elif isinstance(step, keras.layers.Rescaling):
                signal = signal * step.scale
            elif isinstance(step, keras.layers.ZeroPadding2D):
                (top, _), (left, _) = step.padding
                signal = signal[:, top : top + shape[1], left : left + shape[2]]
        return signal

    def project(units, positions, examples):
        places = np.stack([np.arange(len(units)), *np.transpose(positions), units], axis=1)
        strengths = tf.gather_nd(recorded[-1], np.stack([examples, *np.transpose(positions), units], axis=1))
        signal = tf.scatter_nd(places, strengths, (len(units), *recorded[-1].shape[1:]))
        return down(signal, examples).numpy()

    return project
