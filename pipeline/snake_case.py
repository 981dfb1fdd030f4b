"""Names of steps as directories and functions."""

import re


def snake_case(name: str) -> str:
    """`ExampleGen` as `example_gen`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
