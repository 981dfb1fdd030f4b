"""Text from the data, such as names of classes, in Markdown, and tables."""

from collections.abc import Iterable, Sequence


def escape_markdown(text: str) -> str:
    r"""Escapes the characters that have a meaning in Markdown or HTML, and joins lines to one.

    Examples:
        >>> escape_markdown("<b>_cat_</b>")
        '&lt;b&gt;\\_cat\\_&lt;/b&gt;'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\`*_{}[]()#|!" else character for character in " ".join(text.split()))


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; cells are Markdown.

    Examples:
        >>> markdown_table(["class", "examples"], [["cat", "3"]])
        ['| class | examples |', '| --- | --- |', '| cat | 3 |']
    """
    return ["| " + " | ".join(row) + " |" for row in (headings, ["---"] * len(headings), *rows)]
