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
        training_top1_error, training_top5_error: over the training examples, on central crops and without dropout, fractions 0..1.
        validation_top1_error, validation_top5_error: the same over the validation examples.
        seconds, epochs: of the training.
        learning_rate: at the start.
        model, tensorboard: paths of the trained model and of its summaries.
        message: reason of a failure, which leaves the fields above None; None without a failure.
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
        """Whether the training failed, so that there are no errors."""
        return self.message is not None

    @property
    def gap(self) -> float | None:
        """Top-1 error on the validation examples minus that on the training examples, as a fraction."""
        if self.validation_top1_error is None or self.training_top1_error is None:
            return None
        return self.validation_top1_error - self.training_top1_error


def table_cells(nets: Sequence[ComparedNet], classes: int) -> list[list[str]]:
    """The cells of the table as text: a heading, and a row for each net (Zeiler & Fergus 2013, Table 3, with two more columns).

    Examples:
        >>> table_cells([ComparedNet("zfnet-small", 3_400_000, 0.01, 0.0, 0.213, 0.02, 83.1)], classes=15)[1]
        ['zfnet-small', '1.0%', '21.3%', '2.0%', '3,400,000', '83']
    """
    heading = ["error", "train top-1", "val top-1", f"val top-{min(5, classes)}", "parameters", "seconds"]
    return [heading, *(_cells(net) for net in nets)]


def markdown_table(nets: Sequence[ComparedNet], classes: int) -> str:
    """The same as Markdown; reasons of failures are below."""
    heading, *rows = table_cells(nets, classes)
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *([f"`{name}`", *numbers] for name, *numbers in rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return table + "".join(f"\n`{net.architecture}` failed: {net.message}\n" for net in nets if net.failed)


def csv_table(nets: Sequence[ComparedNet]) -> str:
    """The same as CSV, with all digits; missing values are empty."""
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
