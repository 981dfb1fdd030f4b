"""Options for Beam: which step each belongs to, whether Beam knows it, and what a runner needs besides."""

import contextlib
import difflib
import io
import pathlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


# Runners with a job server, which may know more options than Beam; without the word "runner", as Beam's command line accepts them. So may
# a runner given as the full name of a class.
WITH_JOB_SERVER = ("portable", "flink", "kafkastreams", "prism", "spark")
OF_ONE_STEP = re.compile(r"--([^=.]*)\.([^=.]+)(=.*)?", re.DOTALL)
DATAFLOW = "DataflowRunner"
CONTAINER_RUNNERS = (DATAFLOW, "PortableRunner", "FlinkRunner", "SparkRunner")
SETUP_FILE = pathlib.Path(__file__).parents[3] / "setup.py"  # missing beside an installed package


def check_options(runner: str, beam_options: Sequence[str]) -> None:
    """Checks options for Beam.

    Args:
        runner: name of a Beam runner.
        beam_options: options as on Beam's command line, such as `--region=europe-west4`.

    Raises:
        ValueError: there is no such option, or its value is missing or of another type.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            given = PipelineOptions(list(beam_options))
            known, all_options = given.get_all_options(), given.get_all_options(retain_unknown_options=True)
    except SystemExit as error:  # argparse has printed a synopsis, then the error
        wrong = said.getvalue().rpartition("error: ")[2].strip() or "--help is not an option here, see Beam's documentation"
        raise ValueError(f"Beam can't take the options behind --: {wrong}.") from error
    unknown = sorted(all_options.keys() - known.keys())
    if unknown and "." not in runner and runner.lower().removesuffix("runner") not in WITH_JOB_SERVER:
        near = difflib.get_close_matches(unknown[0], known)
        hint = f" Did you mean --{' or --'.join(near)}?" if near else ""
        raise ValueError(f"Beam has no option --{unknown[0]}.{hint} Only options of Beam and {runner} may follow --.")


def step_options(beam_options: Sequence[str], steps: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Splits options among the steps that use Beam.

    `--STEP.NAME=VALUE` becomes the last option of that step alone, `--NAME=VALUE`, so that it overrides those for all steps.

    Args:
        beam_options: options as on the command line; a value may be a separate word, as in `--region R`.
        steps: names of the steps that use Beam.

    Returns:
        The options of every step, by name.

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


def remote_options(runner: str, given: "PipelineOptions", output: str | None) -> list[str]:
    """Options that a runner needs besides those given; none for a local runner.

    Workers in a container that holds Beam alone get this package, built from its repository. Dataflow keeps its temporary files beside the
    output.

    Args:
        runner: name of a Beam runner.
        given: the options of the user, which are never overridden.
        output: the directory that the workers write; None if unknown.

    Raises:
        ValueError: the workers cannot get this package, or cannot write the output.
    """
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PortableOptions, SetupOptions, WorkerOptions

    options = []
    setup = given.view_as(SetupOptions)
    in_a_container = runner in CONTAINER_RUNNERS and given.view_as(PortableOptions).environment_type in (None, "DOCKER")
    if in_a_container and not (setup.setup_file or setup.extra_packages):
        if SETUP_FILE.exists():
            options.append(f"--setup_file={SETUP_FILE}")
        elif not given.view_as(WorkerOptions).sdk_container_image:
            raise ValueError(
                f"The workers of {runner} need the package zfnet, which is built for them where it is used from its repository; here it is "
                "installed. Install it from the repository by `pip install --editable '.[gcp]'`, or give the package "
                "(-- --extra_package=zfnet-0.1.0.tar.gz) or an image that holds it (-- --sdk_container_image=IMAGE)."
            )
    if runner == DATAFLOW and output is not None:
        if "://" not in output:
            raise ValueError(
                f"The workers of {runner} are other machines and cannot write to a disk of this one: give a directory in Cloud Storage, "
                "gs://BUCKET/NAME."
            )
        if given.view_as(GoogleCloudOptions).temp_location is None:
            options.append(f"--temp_location={output.rstrip('/')}-beam")
    return options


def check_data_reaches_runner(runner: str, location: str) -> None:
    """Raises a ValueError if `location` is on a disk of this machine and the workers of `runner` are other machines."""
    if runner == DATAFLOW and "://" not in location:
        raise ValueError(
            f"The workers of {runner} are other machines and cannot read {location}: copy the photographs to Cloud Storage (a TFDS data "
            "set is looked for where TFDS_DATA_DIR says, gs://BUCKET/NAME)."
        )


def check_runner_starts(options: "PipelineOptions") -> None:
    """Raises a ValueError if an option asked to build the job without running it, since no output exists then."""
    from apache_beam.options.pipeline_options import GoogleCloudOptions, TestOptions

    template = options.view_as(GoogleCloudOptions).template_location
    if template or options.view_as(TestOptions).dry_run:
        written = f"the job is in {template}" if template else "the job can be built"
        raise ValueError(f"Nothing was run, as {'--template_location' if template else '--dry_run'} asks: {written}, and no output exists.")
