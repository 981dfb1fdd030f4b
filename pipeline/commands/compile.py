"""`zfnet compile`: the pipeline for Kubeflow Pipelines and Vertex AI."""

import pathlib
from typing import Any

import click

from zfnet.components.data.beam.options import DATAFLOW
from zfnet.components.inputs.named_models import named_net
from zfnet.pipeline.cli.command import Command
from zfnet.pipeline.cli.output import make_its_directory
from zfnet.pipeline.commands import run
from zfnet.pipeline.run_config import choose

# Options of `zfnet run` that a compiled pipeline does not have.
NOT_COMPILED = ("root", "wait", "metadata_url", "slice_by", "verbose")


def _absolute(ctx: click.Context, parameter: click.Parameter, root: str | None) -> str | None:
    if root is not None and not root.startswith(("/", "gs://")):
        raise click.BadParameter(f"tasks have no working directory in common: expected an absolute path or gs://bucket/name, not {root!r}.")
    return root


def _volumes(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    volumes = {}
    for word in words:
        claim, _, directory = word.partition(":")
        if not claim or not directory.startswith("/"):
            raise click.BadParameter(f"expected CLAIM:DIR with an absolute DIR, such as photographs:/data, not {word!r}.")
        volumes[directory] = claim
    return volumes


def _check_absolute(name: str, given: str) -> None:
    path = pathlib.Path(given)
    if given != "photo_patches" and (given.startswith((".", "~")) or (not path.is_absolute() and path.exists())):
        raise ValueError(f"Tasks have no working directory in common: expected the absolute path of {name} as they see it, not {given}.")


@click.command(cls=Command, short_help="Write the pipeline for Kubeflow Pipelines or Vertex AI.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), required=True, metavar="FILE", help="Output file, YAML.")
@click.option(
    "--image",
    default="zfnet:latest",
    show_default=True,
    metavar="NAME",
    help="Container image of the tasks, by its name in the registry. It must contain this project with its extra kfp.",
)
@click.option(
    "--root",
    metavar="DIR",
    callback=_absolute,
    show_default="none: give it when you start the pipeline",
    help="Directory that all tasks can access, for checkpoints, TensorBoard's logs and pushed models: a path in a volume, or gs://bucket/name.",
)
@click.option(
    "--volume",
    "volumes",
    multiple=True,
    callback=_volumes,
    metavar="CLAIM:DIR",
    help="Mount a persistent volume claim of Kubernetes in every task. May be repeated.",
)
@click.option("--gpus", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Number of GPUs for the Trainer.")
@click.option(
    "--gpu-type",
    default="nvidia.com/gpu",
    show_default=True,
    metavar="NAME",
    help="Name of the GPU type in the cluster; on Vertex AI for example NVIDIA_TESLA_T4.",
)
def command(
    out: pathlib.Path,
    config_name: str | None,
    local: bool,
    strict: bool,
    runner: str,
    beam_options: tuple[str, ...],
    image: str,
    root: str | None,
    volumes: dict[str, str],
    gpus: int,
    gpu_type: str,
    **choices: Any,
) -> None:
    """Write the pipeline of `zfnet run` as YAML for Kubeflow Pipelines or Vertex AI, with one task per step.

    The command has the options of `zfnet run`, except --metadata, --slice-by and --wait. Their values become the defaults of the pipeline's
    parameters. An option without a value, such as --epochs with --data, does not become a parameter. The command runs no step and does not
    read DATA.

    BEAM OPTIONS are passed to the Beam runner, as in `zfnet run`.
    """
    if start := choices["start_from"]:
        _check_absolute("--start-from", getattr(named_net(start), "weights", start))
    config = choose(config_name, run.start_choices(choices), local)
    config.check_together()
    _check_absolute("DATA", config.data)
    if runner == DATAFLOW:
        raise ValueError(
            f"The workers of {DATAFLOW} can't write where the tasks of a compiled pipeline do. Prepare the photographs with "
            f"`zfnet examples --runner {DATAFLOW}`, and give the prepared directory with --data."
        )
    try:
        from zfnet.pipeline.kubeflow.compile_pipeline import compile_pipeline
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("kfp", "docstring_parser"):
            raise
        raise ValueError("zfnet compile needs the SDK of Kubeflow Pipelines: pip install --editable '.[kfp]'") from error
    from zfnet.pipeline.kubeflow.task import NamedData
    from zfnet.pipeline.pushed_last import served_last
    from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline

    config.check_image_size()
    make_its_directory(out)
    # Only the tasks know the root, and evaluate the settings that depend on it.
    steps = zfnet_pipeline(config, NamedData(config.data), pathlib.Path(), runner, beam_options, strict, baseline=served_last)
    parameters = compile_pipeline(steps, out, image=image, root=root, gpus=gpus, gpu_type=gpu_type, volumes=volumes)
    click.echo(f"{out}: {', '.join(step.name for step in steps)}, each in a container of {image}")
    click.echo(f"Parameters: {', '.join(sorted(parameters))}{'' if root else '; root must be given'}")


# The options of `zfnet run`; before --verbose, which comes last.
command.params[-1:-1] = [parameter for parameter in run.command.params if parameter.name not in NOT_COMPILED]
