"""Tables for terminals."""

from collections.abc import Sequence


def aligned_table(cells: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table: names to the left, numbers to the right.

    Args:
        cells: for each row, the heading's first, a name and as many numbers as in the others.

    Examples:
        >>> aligned_table([["error", "top-1"], ["zfnet-small", "21.3%"]])
        ['error        top-1', 'zfnet-small  21.3%']
    """
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])]) for name, *numbers in cells]
