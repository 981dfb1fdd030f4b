"""Thresholds that a user sets for a model to be served: `top1_error<0.2`, `top1_error[cat]<0.3`."""

import operator
import re
from typing import Any, NamedTuple

# Numbers of evaluation.json; the share of structured filters is at its best when it is large, so either direction is allowed.
NUMBERS = ("top1_error", "top5_error", "expected_calibration_error", "structured", "examples")
TEN_CROP = "_ten_crop"
OF_CLASSES = ("top1_error", "top5_error", "examples")
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
FORM = re.compile(r"\s*(\w+)\s*(?:\[(.+)\])?\s*(<=|>=|<|>)\s*([0-9.eE+-]+)\s*", re.DOTALL)
EVERY = "*"
MOST_NAMED = 20


class Threshold(NamedTuple):
    """A condition on one number of an evaluation, or of one class there; of every class if `of_class` is `*`."""

    number: str
    of_class: str | None
    comparison: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Reads `NUMBER<LIMIT` or `NUMBER[CLASS]<LIMIT`, also with `<=`, `>` and `>=`.

        Raises:
            ValueError: it has another form, there is no such number, or a share has a limit outside of 0..1.

        Examples:
            >>> Threshold.parse("top1_error[golden retriever]<0.3")
            Threshold(number='top1_error', of_class='golden retriever', comparison='<', limit=0.3)
        """
        match = FORM.fullmatch(text)
        try:
            number, of_class, comparison, limit = match.groups() if match else ("", None, "", "")
            value = float(limit or "none")
        except ValueError:
            raise ValueError(f"{text!r}: expected a threshold such as top1_error<0.2, or top1_error[CLASS]<0.3 for one class.") from None
        names = OF_CLASSES if of_class else [*NUMBERS, *(name + TEN_CROP for name in NUMBERS[:3])]
        if number not in names:
            raise ValueError(f"{text!r}: there is no number {number!r}{' of a class' if of_class else ''}; there are {', '.join(names)}.")
        if number != "examples" and not 0 <= value <= 1:
            raise ValueError(f"{text!r}: {number} is a share; expected a limit from 0 to 1, such as 0.2 for 20 %.")
        return cls(number, of_class, comparison, value)

    def __str__(self) -> str:
        return f"{self.number}{f'[{self.of_class}]' if self.of_class else ''}{self.comparison}{self.limit:.12g}"

    def check_class(self, labels: list[str]) -> None:
        """Fails if it is for a class that is not one of these.

        Raises:
            ValueError: the message names some classes that there are.
        """
        if self.of_class not in (None, EVERY, *labels):
            named = ", ".join(labels[:MOST_NAMED]) + (", ..." if len(labels) > MOST_NAMED else "")
            raise ValueError(f"{self}: there is no class {self.of_class!r} in the data; there are {named}.")

    def check(self, evaluation: dict[str, Any]) -> str | None:
        """The reason why an evaluation, the content of evaluation.json, does not meet this; None if it does.

        For every class (`*`), the class that is farthest from the limit is named. A class without validation examples has no error: that
        is a reason if the threshold names this class, and none for every class.

        Raises:
            ValueError: it has no class of that name.
        """
        rows = [(self.number, evaluation)]
        if self.of_class:
            self.check_class([row["class"] for row in evaluation["classes"]])
            chosen = [row for row in evaluation["classes"] if self.of_class in (EVERY, row["class"])]
            rows = [(f"{self.number} of {row['class']}", row) for row in chosen]
        unmet = []
        for name, row in rows:
            value = row.get(self.number)
            if value is None and self.of_class != EVERY:
                return f"{name} was not measured, expected {self}"
            if value is not None and not COMPARISONS[self.comparison](value, self.limit):
                unmet.append((abs(value - self.limit), f"{name} is {value if isinstance(value, int) else f'{value:.4g}'}"))
        if not unmet:
            return None
        farthest = max(unmet)[1]
        return f"{farthest}, expected {self}" + (f" ({len(unmet)} classes do not meet it)" if len(unmet) > 1 else "")
