"""Architectures trained by one recipe, as rows of a table like the paper's Table 3."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

MISSING = "-"


@dataclass(frozen=True)
class ComparedNet:
    """One architecture, and the result of training it.

    Args:
        architecture: its name.
        parameters: number of weights and biases; None if the net can't be built.
        training_top1_error: over the training examples, on central crops and without dropout, a fraction 0..1; None if it failed.
        training_top5_error: the same among the five best guesses.
        validation_top1_error: over the validation examples; None if it failed.
        validation_top5_error: the same among the five best guesses.
        seconds: that it took to train; None if it failed.
        epochs: that it was trained for; None if it failed.
        learning_rate: at the start; None if it failed.
        model: path of the trained model; None if it failed.
        tensorboard: path of its summaries; None if it failed.
        message: why it failed; None if it did not.
    """

    architecture: str
    parameters: int | None = None
    training_top1_error: float | None = None
    training_top5_error: float | None = None
    validation_top1_error: float | None = None
    validation_top5_error: float | None = None
    seconds: float | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    model: str | None = None
    tensorboard: str | None = None
    message: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it could not be trained, so that there are no errors."""
        return self.message is not None

    @property
    def gap(self) -> float | None:
        """By how much the top-1 error is higher on the validation examples than on the training examples, as a fraction."""
        if self.validation_top1_error is None or self.training_top1_error is None:
            return None
        return self.validation_top1_error - self.training_top1_error


def table_cells(nets: Sequence[ComparedNet], classes: int) -> list[list[str]]:
    """The cells of the table as text: a heading, and a row for each net (Zeiler & Fergus 2013, Table 3, with two more columns).

    Args:
        nets: what to show.
        classes: how many there are; among fewer than five, fewer guesses are given.

    Examples:
        >>> table_cells([ComparedNet("zfnet-small", 3_400_000, 0.01, 0.0, 0.213, 0.02, 83.1)], classes=15)[1]
        ['zfnet-small', '1.0%', '21.3%', '2.0%', '3,400,000', '83']
    """
    heading = ["error", "train top-1", "val top-1", f"val top-{min(5, classes)}", "parameters", "seconds"]
    return [heading, *(_cells(net) for net in nets)]


def markdown_table(nets: Sequence[ComparedNet], classes: int) -> str:
    """The same as Markdown, with why a net failed below."""
    heading, *rows = table_cells(nets, classes)
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *([f"`{name}`", *numbers] for name, *numbers in rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return table + "".join(f"\n`{net.architecture}` failed: {net.message}\n" for net in nets if net.failed)


def csv_table(nets: Sequence[ComparedNet]) -> str:
    """The same as CSV, with all digits; what is missing is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ComparedNet.__dataclass_fields__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(vars, nets))
    return text.getvalue()


def _cells(net: ComparedNet) -> list[str]:
    errors = (net.training_top1_error, net.validation_top1_error, net.validation_top5_error)
    return [
        net.architecture,
        *(MISSING if error is None else f"{error:.1%}" for error in errors),
        MISSING if net.parameters is None else f"{net.parameters:,}",
        MISSING if net.seconds is None else f"{net.seconds:,.0f}",
    ]
