from html.parser import HTMLParser

from zfnet.model.html_table import html_table


class Cells(HTMLParser):
    """Collects the texts of a table by their tags."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found = [], []
        self.feed(text)

    def handle_starttag(self, tag, _):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.found.append((self.open[-1], data))


def test_cells_and_headings_are_escaped():
    cells = Cells(html_table("a <b>", ["layer", "maps"], [["<script>", 3], ["fc & co", ""]]))
    assert cells.open == []
    assert cells.found == [("caption", "a <b>"), ("th", "layer"), ("th", "maps"), ("th", "<script>"), ("td", "3"), ("th", "fc & co")]
