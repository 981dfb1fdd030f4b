"""Architectures by name, and variations as text: `zfnet-small:conv1.kernel=11,without=conv3`."""

import dataclasses
import difflib
import re
import types
import typing

from zfnet.model.net.architecture import ARCHITECTURES, Architecture

WITHOUT = "without"
NONE = "none"
KINDS = {int: "a whole number", float: "a number", types.NoneType: NONE}


def vary(architecture: Architecture, changes: str) -> Architecture:
    """Changes an architecture, as the rows of Table 3 of Zeiler & Fergus 2013 change widths and leave layers out.

    Args:
        architecture: the architecture to start from, which stays as it is.
        changes: separated by commas, in any order: `LAYER.FIELD=VALUE` for a field of `Convolution` or `Dense`, `FIELD=VALUE` for one
            of `Architecture`, and `without=LAYER`, once for each layer to leave out. `none` is `None`.

    Raises:
        ValueError: if there is no such layer or field, or the value does not suit the field.

    Examples:
        >>> vary(ARCHITECTURES["alexnet"], "without=conv3,without=conv4") == ARCHITECTURES["alexnet-without-3-4"]
        True
    """
    layers = {layer.name: layer for layer in architecture.layers}
    changed: dict[tuple[str, str], typing.Any] = {}
    left_out: list[str] = []
    for change in changes.split(","):
        target, equals, text = change.partition("=")
        layer, dot, field = target.rpartition(".")
        if not (equals and target and text):
            raise ValueError(f"{change!r} is no change of an architecture: expected NAME=VALUE, such as conv1.filters=64.")
        if (dot or target == WITHOUT) and (name := layer if dot else text) not in layers:
            raise ValueError(f"{change}: there is no layer {name!r}; there are {', '.join(layers)}.")
        if target == WITHOUT:
            left_out.append(text)
        elif (layer, field) in changed:
            raise ValueError(f"{change}: {target} is given twice.")
        else:
            changed[layer, field] = _value(change, layers[layer] if dot else architecture, field, text)
    if both := [f"{layer}.{field}" for layer, field in changed if layer in left_out]:
        raise ValueError(f"{both[0]} is changed, and the layer left out; expected one of the two.")
    of_layers = {name: {field: value for (layer, field), value in changed.items() if layer == name} for name in ("", *layers)}
    return dataclasses.replace(
        architecture,
        convolutions=tuple(dataclasses.replace(layer, **of_layers[layer.name]) for layer in architecture.convolutions),
        dense=tuple(layer._replace(**of_layers[layer.name]) for layer in architecture.dense),
        **of_layers[""],
    ).without(*left_out)


def plain_name(name: str) -> str:
    """Name of an architecture with letters, digits and `-_.` alone, as files and TensorFlow's scopes require.

    Examples:
        >>> plain_name("zfnet-small:conv1.kernel=11,without=conv3")
        'zfnet-small_conv1.kernel_11_without_conv3'
    """
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)


def _value(change: str, thing: typing.Any, field: str, text: str) -> typing.Any:
    """`text` as a value of the type that `field` is annotated with."""
    hints = {name: _kinds(hint) for name, hint in typing.get_type_hints(type(thing)).items() if name != "name"}
    hints = {name: kinds for name, kinds in hints.items() if typing.get_origin(kinds[0]) is not tuple}
    if field not in hints:
        whole = "" if hasattr(thing, "name") else f", {WITHOUT}, or LAYER.FIELD such as conv1.filters"
        raise ValueError(
            f"{change}: there is no {field!r} to change; there {'is' if len(hints) == 1 else 'are'} {', '.join(hints)}{whole}."
        )
    for kind in hints[field]:
        if kind is types.NoneType and text == NONE:
            return None
        if kind == text:  # One of the words of a Literal.
            return text
        if kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                continue
    raise ValueError(f"{change}: expected {' or '.join(KINDS.get(kind, kind) for kind in hints[field])}, not {text!r}.")


def _kinds(hint: typing.Any) -> list[typing.Any]:
    """The types and words that an annotation allows."""
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return [word for kind in kinds for word in (typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else (kind,))]


def find_architecture(name: str) -> Architecture:
    """The row of the table called `name`, or a variation of one, `NAME:CHANGE,CHANGE,...` (see `vary`); a ValueError if there is none.

    Examples:
        >>> find_architecture("zfnet-small:conv1.kernel=11,conv1.stride=4,without=conv3").convolutions[0].kernel
        11
    """
    base, colon, changes = name.partition(":")
    if base not in ARCHITECTURES:
        near = difflib.get_close_matches(base, ARCHITECTURES, n=2, cutoff=0.8)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"There is no architecture {base!r}.{hint} Choose one of: {', '.join(ARCHITECTURES)}.")
    return vary(ARCHITECTURES[base], changes) if colon else ARCHITECTURES[base]
