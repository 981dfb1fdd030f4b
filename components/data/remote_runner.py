"""What a Beam runner whose workers are other machines has to be told, so that a user need not know it."""

import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

DATAFLOW = "DataflowRunner"
CONTAINER_RUNNERS = (DATAFLOW, "PortableRunner", "FlinkRunner", "SparkRunner")
SETUP_FILE = pathlib.Path(__file__).parents[2] / "setup.py"  # there is none beside an installed package


def remote_options(runner: str, given: "PipelineOptions", output: str | None) -> list[str]:
    """Options that a runner needs besides those given.

    Workers that start in a container with Beam alone are sent this package, built from its repository. Dataflow keeps what it needs beside
    the output.

    Args:
        runner: name of a Beam runner.
        given: the options that a user gave, which win.
        output: the directory that the workers write; None if unknown.

    Returns:
        Further options, none for a local runner.

    Raises:
        ValueError: the workers could not have this package, or cannot write the output.
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


def refuse_local_data(runner: str, location: str) -> None:
    """Refuses photographs that the workers of a runner cannot read.

    Args:
        runner: name of a Beam runner.
        location: where the photographs lie.

    Raises:
        ValueError: the workers are other machines, and it is a disk of this one.
    """
    if runner == DATAFLOW and "://" not in location:
        raise ValueError(
            f"The workers of {runner} are other machines and cannot read {location}: copy the photographs to Cloud Storage (a TFDS data "
            "set is looked for where TFDS_DATA_DIR says, gs://BUCKET/NAME)."
        )


def refuse_without_run(options: "PipelineOptions") -> None:
    """Says that a job which was built but not run has made nothing.

    Raises:
        ValueError: an option asked to leave the job unrun.
    """
    from apache_beam.options.pipeline_options import GoogleCloudOptions, TestOptions

    template = options.view_as(GoogleCloudOptions).template_location
    if template or options.view_as(TestOptions).dry_run:
        written = f"the job is in {template}" if template else "the job can be built"
        raise ValueError(f"Nothing was run, as {'--template_location' if template else '--dry_run'} asks: {written}, and no output exists.")
