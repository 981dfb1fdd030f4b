"""The optimizer of a training, with a rate for each layer, and layers that are not trained."""

from collections.abc import Callable, Mapping, Sequence

import keras

MOMENTUM = 0.9


class LayerRateSGD(keras.optimizers.SGD):
    """SGD with momentum, in which the steps of some layers are multiplied by a factor, the weight decay too.

    Args:
        learning_rate: a number, or a function without arguments that returns one.
        factors: factor of each layer, by its name; 1 for all others.
        decay: share of each kernel, times the layer's learning rate, that a step takes away.
        **options: of `keras.optimizers.SGD`.

    Examples:
        >>> optimizer = LayerRateSGD(0.5, {"slow": 0.1})
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", name="slow")])
        >>> optimizer.apply([keras.ops.ones((1, 1)), keras.ops.ones(1)], model.trainable_variables)
        >>> round(float(model.get_layer("slow").kernel[0, 0]), 3)
        -0.05
    """

    def __init__(
        self, learning_rate: float | Callable[[], float], factors: Mapping[str, float], decay: float = 0.0, **options: object
    ) -> None:
        super().__init__(learning_rate, **options)
        self.factors, self.decay = dict(factors), decay

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Makes the momentum of each variable, and looks up its factor and its decay."""
        if self.built:
            return
        super().build(variables)
        self.of_variables = [
            (self.factors.get(variable.path.split("/")[-2], 1.0), 0.0 if variable.path.endswith("bias") else self.decay)
            for variable in variables
        ]

    def update_step(self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor) -> None:
        """Changes one variable by its gradient."""
        factor, decay = self.of_variables[self._get_variable_index(variable)]
        rate = keras.ops.cast(learning_rate, variable.dtype) * factor
        if decay:
            self.assign_sub(variable, variable * (rate * decay))
        super().update_step(gradient, variable, rate)


def make_optimizer(rate: float | Callable[[], float], weight_decay: float, factors: Mapping[str, float]) -> keras.optimizers.Optimizer:
    """Makes the optimizer of the paper, with decoupled weight decay of the kernels; `factors` are those of layers, by name.

    Examples:
        >>> type(make_optimizer(0.01, 0.0, {})).__name__
        'SGD'
    """
    if factors:
        return LayerRateSGD(rate, factors, weight_decay, momentum=MOMENTUM)
    optimizer = keras.optimizers.SGD(rate, momentum=MOMENTUM, weight_decay=weight_decay or None)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def freeze(net: keras.Model, layers: Sequence[str]) -> None:
    """Keeps the weights of these layers as they are: no gradient, no weight decay and no clip changes them.

    To be called before the net is compiled.

    Examples:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="fc6"), keras.layers.Dense(2, name="predictions")])
        >>> freeze(model, ["fc6"])
        >>> [layer.name for layer in model.layers if layer.trainable]
        ['predictions']
    """
    for name in layers:
        net.get_layer(name).trainable = False
