"""Options for Beam that are meant for one step alone."""

import re
from collections.abc import Sequence

OF_ONE_STEP = re.compile(r"--([^=.]*)\.([^=.]+)(=.*)?", re.DOTALL)


def step_options(beam_options: Sequence[str], steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Hands out options to the steps that use Beam.

    `--STEP.NAME=VALUE` goes to that step alone, as `--NAME=VALUE`, behind the options that all steps get, so that it wins over them.

    Args:
        beam_options: options as on the command line; a value may be a word of its own, as in `--region R`.
        steps: names of the steps that use Beam.

    Returns:
        The options of every step, by its name.

    Raises:
        ValueError: an option is for a step that is not among `steps`.

    Examples:
        step_options(["--region=R", "--StatisticsGen.max_num_workers=3"], ["ExampleGen", "StatisticsGen"])
    """
    general: list[str] = []
    own: dict[str, list[str]] = {step: [] for step in steps}
    current = None
    for word in beam_options:
        if match := OF_ONE_STEP.fullmatch(word):
            step, name, value = match.groups("")
            if step not in own:
                raise ValueError(
                    f"The option {word} is for {step or 'no step'}: expected --STEP.NAME=VALUE with STEP one of {', '.join(steps)}."
                )
            current, word = own[step], f"--{name}{value}"
        elif word.startswith("-") or current is None:
            current = general
        current.append(word)
    return {step: (*general, *options) for step, options in own.items()}
