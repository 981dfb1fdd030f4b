"""Recognizes the line of a table that names its columns, by the names that people give to them."""

import re

# Names of each column, the most telling first, in small letters without spaces and signs.
NAMES = {
    "path": "path filepath filename file imagepath imagefile imagename image imageid img imgpath imgname photograph photo picture uri id",
    "label": "label class classname labelname category species breed target tag classid labelid categoryid",
    "split": "split set dataset subset partition",
}


def named_columns(cells: list[str], *, labelled: bool = True) -> dict[str, int | None] | None:
    """The places of the columns path, label and split in a header line, None for a split that is missing; None if it is no header.

    A header has a name for the path and, if `labelled`, one for the label. Capitals, spaces, signs and a plural do not matter.

    Examples:
        >>> named_columns(["Number", "image_id", "Labels"])
        {'path': 1, 'label': 2, 'split': None}
        >>> named_columns(["cats/1.jpg", "cat"])
    """
    words = [re.sub(r"[\W_]", "", cell.casefold()) for cell in cells]
    places = {
        column: next((words.index(word) for name in names.split() for word in (name, f"{name}s", f"{name}es") if word in words), None)
        for column, names in NAMES.items()
    }
    return None if places["path"] is None or (labelled and places["label"] is None) else places
