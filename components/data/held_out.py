"""Which photographs of a class are kept for validation where the data does not say."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import TypeVar

SHARE = 0.2
T = TypeVar("T")


def digest(id: str) -> bytes:
    """SHA-256 of a photograph's id: decides its split by the first eight bytes, and its shard and place by those after them."""
    return hashlib.sha256(id.encode()).digest()


def hold_out(ids: Iterable[str]) -> set[str]:
    """Chooses about a fifth of the photographs of one class by their ids alone, so that the choice is the same everywhere.

    A photograph that is added or removed moves no other one, except in a class so small that its last one would leave a split.

    Args:
        ids: the ids of all photographs of the class.

    Returns:
        Those for validation: at least one, and not all, of a class that has two.

    Examples:
        hold_out(["cat/1.jpg", "cat/2.jpg", "cat/3.jpg"])
    """
    ranked = sorted(ids, key=digest)
    share = sum(int.from_bytes(digest(id)[:8]) < SHARE * 2**64 for id in ranked)
    return set(ranked[: max(0, min(max(share, 1), len(ranked) - 1))])


def split_files(split: str, files: dict[str, T]) -> Iterator[tuple[str, list[T]]]:
    """Hands the photographs of one class to their splits.

    Args:
        split: the split that all of them are in; "" where their ids decide.
        files: what stands for each photograph, by its id.

    Yields:
        `(split, files)` for each split; one that has none may be left out.
    """
    if split:
        yield split, list(files.values())
        return
    held_out = hold_out(files)
    for name, held in (("train", False), ("validation", True)):
        if part := [file for id, file in files.items() if (id in held_out) == held]:
            yield name, part
