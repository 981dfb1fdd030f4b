"""Tables that a notebook shows."""

import html
from collections.abc import Iterable, Sequence


def html_table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Writes a table as HTML, text and numbers escaped; the first cell of each row is its heading.

    Examples:
        >>> html_table("Layers", ["layer", "maps"], [["conv1", 64]])
        '<table><caption>Layers</caption><tr><th>layer</th><th>maps</th></tr><tr><th>conv1</th><td>64</td></tr></table>'
    """
    lines = [f"<caption>{html.escape(caption)}</caption>", _row(*(_cell("th", heading) for heading in headings))]
    lines += [_row(_cell("th", first), *(_cell("td", value) for value in others)) for first, *others in rows]
    return f"<table>{''.join(lines)}</table>"


def _row(*cells: str) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _cell(tag: str, value: object) -> str:
    return f"<{tag}>{html.escape(str(value))}</{tag}>"
