"""The names that people give to splits, in folders and in tables, and the split that validates."""

from collections.abc import Container

NAMES = {"train": ("train", "training"), "validation": ("validation", "valid", "val"), "test": ("test", "testing")}
# The split that validates: the first of these that there is. Where there is none, a part of the training examples is divided off.
HELD_OUT = ("validation", "test")


def split_role(name: str) -> str | None:
    """`train`, `validation` or `test`, whatever a split is called; None if no split has this name.

    Examples:
        >>> split_role("Val"), split_role("cats")
        ('validation', None)
    """
    return next((role for role, names in NAMES.items() if name.strip().casefold() in names), None)


def held_out_role(roles: Container[str]) -> str | None:
    """The role of the split that validates; None if neither of `HELD_OUT` is among `roles`."""
    return next((role for role in HELD_OUT if role in roles), None)
