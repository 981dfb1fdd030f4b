"""Options for Beam that are needed before Beam is: which step each belongs to, and whether workers can read the data."""

import re
from collections.abc import Sequence

DATAFLOW = "DataflowRunner"
OF_ONE_STEP = re.compile(r"--([^=.]*)\.([^=.]+)(=.*)?", re.DOTALL)


def step_options(beam_options: Sequence[str], steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Splits options among the steps that use Beam, by the steps' names.

    `--STEP.NAME=VALUE` becomes the last option of that step alone, `--NAME=VALUE`, so that it overrides those for all steps. The options
    are as on the command line, where a value may be a separate word, as in `--region R`.

    Raises:
        ValueError: an option is for a step that is not among `steps`.

    Examples:
        >>> step_options(["--region=R", "--StatisticsGen.max_num_workers=3"], ["ExampleGen", "StatisticsGen"])
        {'ExampleGen': ('--region=R',), 'StatisticsGen': ('--region=R', '--max_num_workers=3')}
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


def check_data_reaches_runner(runner: str, location: str) -> None:
    """Raises a ValueError if `location` is on a disk of this machine and the workers of `runner` are other machines."""
    _check_reach(runner, location, "the photographs", " (a TFDS data set is looked for where TFDS_DATA_DIR says, gs://BUCKET/NAME)")


def check_model_reaches_runner(runner: str, location: str) -> None:
    """Raises a ValueError if the model is on a disk of this machine and the workers of `runner` are other machines."""
    _check_reach(runner, location, "the model", ", and give its path there as MODEL")


def _check_reach(runner: str, location: str, copied: str, advice: str) -> None:
    if runner == DATAFLOW and "://" not in location:
        raise ValueError(f"The workers of {runner} are other machines and cannot read {location}: copy {copied} to Cloud Storage{advice}.")
