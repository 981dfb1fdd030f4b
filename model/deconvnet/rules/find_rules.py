"""Which rules a layer or an operation of Keras follows."""

from zfnet.model.deconvnet.rules.call import Call
from zfnet.model.deconvnet.rules.layers import LAYERS
from zfnet.model.deconvnet.rules.operations import OPERATIONS


def find_rules(call: Call) -> list:
    """The rules that a call follows, from its input to its output.

    A layer with an activation is two operations, the linear one and the activation, and has a rule for each.

    Args:
        call: of any layer or operation.

    Returns:
        Rules (see `PassThrough`).

    Raises:
        ValueError: if a deconvnet is not defined for it; the message names it, its type, what is expected and what can be done.
    """
    kind = type(call.layer)
    is_operation = kind.__module__.startswith("keras.src.ops.")
    # Exactly these types: what a subclass does in its `call` is not known.
    rules = OPERATIONS.get(kind.__name__) if is_operation else LAYERS.get(kind)
    found = rules(call) if rules else None
    if found is not None:
        return found
    expected = sorted(OPERATIONS if is_operation else (known.__name__ for known in LAYERS))
    return call.without_rule(f"is a {kind.__name__}", expected, call.function)
