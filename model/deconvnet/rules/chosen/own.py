"""Backward rules that a user writes as a function, and checks of the signals that it returns."""

import inspect
from collections.abc import Callable
from typing import Any, NoReturn, cast

import numpy as np
import tensorflow as tf

from zfnet.model.deconvnet.rules.call import Call, channels_moved
from zfnet.model.deconvnet.rules.chosen.trial import is_same, random_inputs
from zfnet.model.deconvnet.rules.rule import AtInputs, Saved

# A function of a layer, the signal at its output and its inputs, that returns the signal at each input.
Backward = Callable[..., Any]


class WrongRuleError(ValueError):
    """An error in a rule that a user wrote."""


class Own(AtInputs):
    """An operation whose backward rule is a function that a user wrote.

    The function is tried once on random numbers, and what it returns is checked whenever it is traced. Its tensors are in the model's
    layout.
    """

    def __init__(self, call: Call, backward: Backward) -> None:
        super().__init__(call.function)
        self.layer, self.function_of_user = call.layer, backward
        # Axes of places of the signal and the inputs. An activation has the output of its layer as its one input.
        self._dims = call.dims, *(call.dims_below if len(call.shapes) > 1 else (call.dims,))
        self._run = self._in_model_layout if call.channels_first else self._checked
        self._check_arguments(len(call.shapes))
        self._try(call)

    def backward(self, signal: tf.Tensor, shapes: list[tuple[int, ...]], saved: Saved) -> list[tf.Tensor]:
        """Signals that the user's function returns for the inputs."""
        return self._run(signal, *cast("list[tf.Tensor]", saved))

    def _in_model_layout(self, signal: tf.Tensor, *inputs: tf.Tensor) -> list[tf.Tensor]:
        given = zip((signal, *inputs), self._dims, strict=True)
        returned = self._checked(*(channels_moved(value, dims, -1, 1) for value, dims in given))
        return [channels_moved(part, dims, 1, -1) for part, dims in zip(returned, self._dims[1:], strict=True)]

    def _checked(self, signal: tf.Tensor, *inputs: tf.Tensor) -> list[tf.Tensor]:
        returned = self.function_of_user(self.layer, signal, *inputs)
        parts = list(returned) if isinstance(returned, list | tuple) else [returned]
        if len(parts) != len(inputs):
            self._fail(f"returns {len(parts)} signals; expected one for each input, {len(inputs)}")
        return [self._part(part, below) for part, below in zip(parts, inputs, strict=True)]

    def _part(self, part: Any, below: tf.Tensor) -> tf.Tensor:
        if part is None:
            return tf.zeros_like(below)
        if not tf.is_tensor(part):
            self._fail(f"returns something of type {type(part).__name__}; expected a tensor, or None for zeros")
        if part.dtype != below.dtype:
            self._fail(f"returns a signal of type {part.dtype.name}; expected {below.dtype.name}, the type of the input")
        if part.shape.rank != below.shape.rank or not part.shape.is_compatible_with(below.shape):
            self._fail(f"returns a signal of shape {part.shape}; expected {below.shape}, the shape of the input")
        return part

    def _check_arguments(self, inputs: int) -> None:
        try:
            inspect.signature(self.function_of_user).bind(self.layer, None, *[None] * inputs)
        except TypeError as error:
            self._fail(f"is called with the layer, the signal and {inputs} inputs, and does not take these: {error}")
        except ValueError:  # Built-in functions have no signature.
            pass

    def _try(self, call: Call) -> None:
        inputs = random_inputs(call)
        try:
            output = call.function(*inputs)
        except (tf.errors.InvalidArgumentError, ValueError):
            # If the model leaves sizes open, the call may not accept these.
            if any(None in shape for shape in call.shapes):
                return
            raise
        signal = tf.constant(np.random.default_rng(3).normal(size=output.shape), output.dtype)
        given = [signal, *inputs]
        run = tf.function(
            self._run, autograph=False, input_signature=[tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in given]
        )
        try:
            both, first = run(*given), run(*(each[:1] for each in given))
            nothing = run(tf.zeros_like(signal), *inputs)
        except WrongRuleError:
            raise
        except Exception as error:
            name = type(error).__name__
            raise WrongRuleError(
                f"{self._name} fails: {name}: {error}. Expected a function of TensorFlow's or Keras' operations."
            ) from error
        for part, alone, zeros, below in zip(both, first, nothing, inputs, strict=True):
            if part.shape != below.shape or alone.shape != below[:1].shape:
                self._fail(
                    f"returns a signal of shape {part.shape} for {len(below)} images; expected {below.shape}, the shape of the input"
                )
            if not is_same(part[:1].numpy(), alone.numpy()):
                self._fail("gives an image another signal when it is in a batch with others; expected each row by itself")
            if np.any(zeros):
                self._fail(
                    "returns other numbers than zeros for a signal of zeros, so that a unit would have a projection without activation"
                )

    def _fail(self, problem: str) -> NoReturn:
        raise WrongRuleError(f"{self._name} {problem}.")

    @property
    def _name(self) -> str:
        name = getattr(self.function_of_user, "__name__", type(self.function_of_user).__name__)
        return f"The rule {name!r} of layer {self.layer.name!r}, of type {type(self.layer).__name__},"
