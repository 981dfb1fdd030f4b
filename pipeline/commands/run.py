"""`zfnet run`: the whole pipeline."""

import signal
import textwrap
from typing import Any

import click
from etils import epath

from zfnet.components.training.cluster_task import read_task
from zfnet.pipeline.cli.command import Command, command_line
from zfnet.pipeline.cli.data_argument import check_outside_data
from zfnet.pipeline.cli.options import (
    DEFAULTS,
    augmentation_option,
    batch_size_option,
    beam_options_argument,
    epochs_option,
    metadata_option,
    root_option,
    runner_option,
    training_data_option,
    training_seed_option,
)
from zfnet.pipeline.messages import duration, program_name
from zfnet.pipeline.named_configs import choose, config_names
from zfnet.pipeline.run_config import RunConfig

NOT_BLESSED = 3


@click.command(cls=Command, short_help="Train a network on photographs and draw what it sees.")
@click.option(
    "--config",
    "config_name",
    type=click.Choice(config_names()),
    show_default="photo_patches, or folder where --data is given",
    help="Named choices for the options below, whose defaults are shown as photo_patches has them.",
)
@click.option(
    "--local", is_flag=True, help="The same shrunk to what a laptop does in a minute: less of the data, fewer epochs, a small net."
)
@training_data_option
@root_option
@click.option(
    "--architecture",
    metavar="NAME",
    show_default=str(DEFAULTS.architecture),
    help="zfnet, alexnet, zfnet-small, ..., or a variation: zfnet-small:conv1.kernel=11,conv1.stride=4,fc6.units=256,without=conv3.",
)
@epochs_option
@batch_size_option
@click.option(
    "--image-size",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="96 for the small architectures, else 224",
    help="Side of the network's input, in pixels.",
)
@training_seed_option
@click.option(
    "--crops",
    type=click.Choice(["ten", "random"]),
    show_default=str(DEFAULTS.crops),
    help="What training sees of a photograph: one of the paper's ten crops, or any crop.",
)
@augmentation_option
@click.option(
    "--decay-epochs",
    type=click.IntRange(min=1),
    metavar="N",
    show_default="as many as --epochs is by the number of examples",
    help="Epochs over which the learning rate of the small architectures falls; it stays low in further ones.",
)
@click.option("--ten-crop", is_flag=True, default=None, help="Evaluate with the average over ten crops too.")
@click.option(
    "--no-deterministic",
    "deterministic",
    is_flag=True,
    flag_value=False,
    default=None,
    help="Faster, but the same seed may end in other bits.",
)
@click.option(
    "--mixed-precision/--no-mixed-precision",
    default=None,
    show_default="where every GPU is fast at it",
    help="Compute in bfloat16, with weights in float32. Slower on a CPU.",
)
@click.option(
    "--xla/--no-xla",
    default=None,
    show_default="on GPUs with --no-deterministic",
    help="Compile a training step with XLA, with --no-deterministic only. Slower on a CPU.",
)
@click.option(
    "--checkpoint-minutes",
    type=click.FloatRange(min=0),
    metavar="N",
    show_default=str(DEFAULTS.checkpoint_minutes),
    help="Time between two checkpoints in the middle of an epoch; there is one at the end of each.",
)
@click.option(
    "--keep-checkpoints",
    is_flag=True,
    default=None,
    help="Keep the checkpoints of all epochs that `zfnet evolution` draws (1, 2, 5, 10, ...; each takes twice the room of the weights), "
    "instead of the last two and the best.",
)
@click.option(
    "--max-rejected",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    show_default=str(DEFAULTS.max_rejected),
    help="Share of unreadable photographs, 0 to 1, above which the run fails.",
)
@click.option("--strict", is_flag=True, help="Fail when something is suspicious in the photographs, before training.")
@click.option("--wait", is_flag=True, help="Wait for another run under the same root to end, instead of failing.")
@metadata_option
@runner_option
@beam_options_argument
def command(
    config_name: str | None,
    local: bool,
    root: epath.Path,
    strict: bool,
    wait: bool,
    metadata_url: str | None,
    runner: str,
    beam_options: tuple[str, ...],
    **choices: Any,
) -> None:
    """Prepare photographs, train a network on them, evaluate it, draw what it sees, and keep it for serving.

    Run again, it redoes only what changed. How it ended is in ROOT/run.json, and in the exit code: 0 done, 1 failed, 2 wrong usage,
    3 the model was not good enough to be served.

    BEAM OPTIONS are given to the Beam runner, as in `zfnet run --runner PortableRunner -- --job_endpoint=localhost:50001`; those for one
    step begin with its name: --StatisticsGen.direct_num_workers=1.
    """
    # Whoever stops a process politely is treated as the user who presses Ctrl-C: what is half is removed, and run.json says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = choose(config_name, {name: value for name, value in choices.items() if value is not None}, local)
    check_outside_data(root, config.photographs, "--root")
    task = read_task()
    if task and not task.chief:
        from zfnet.pipeline.run_pipeline import follow_run

        follow_run(root, task)
        return

    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.storage.files import is_remote
    from zfnet.components.storage.local_copy import cache_directory
    from zfnet.pipeline.orchestration.step import Step
    from zfnet.pipeline.run_pipeline import run_pipeline
    from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline

    def declare() -> list[Step]:
        # TFDS reads by TensorFlow, which knows fewer storages.
        downloads = cache_directory() / "tfds" if is_remote(str(root)) else root / "tfds"
        config.check_image_size()
        return zfnet_pipeline(config, open_source(config.photographs, downloads), root, runner, beam_options, strict, metadata_url)

    summary = run_pipeline(root, declare, command_line(), metadata_url, wait)
    report(root, config, summary)
    if summary["status"] == "not_blessed":
        click.get_current_context().exit(NOT_BLESSED)


def report(root: epath.Path, config: RunConfig, summary: dict[str, Any]) -> None:
    """Prints how a run ended and where to look."""
    from zfnet.components.artifacts import Examples

    metrics, counts, paths = summary["metrics"], summary["examples"], summary["artifacts"]
    # Among five classes or fewer the right one is always one of the best five.
    ranks = (1, 5) if len(Examples(root / paths["examples"]).labels) > 5 else (1,)
    errors = [f"top-{k} error {metrics[f'top{k}_error']:.1%}" for k in ranks]
    if metrics["top1_error_ten_crop"] is not None:
        errors += ["with ten crops " + " and ".join(f"{metrics[f'top{k}_error_ten_crop']:.1%}" for k in ranks)]
    first = next((anomaly["message"] for anomaly in summary["anomalies"]), None)
    lines = {
        "Result": f"{', '.join(errors)}, on {counts['validation']:,} validation examples of {config.data}",
        "Filters": metrics["structured"] is not None and f"{metrics['structured']:.0%} of the first layer's have structure",
        "Not blessed": summary["message"],
        "Model": root / paths["model"],
        "Pictures": root / paths["figures"],
        "Serving": paths["serving"] and root / paths["serving"],
        "TensorBoard": f"{program_name()} tensorboard" + ("" if str(root) == "zfnet_run" else f" --root {root}"),
        "Rejected": counts["rejected"] and f"{counts['rejected']:,} photographs, see {root / paths['examples'] / 'rejected.jsonl'}",
        "Anomalies": first and f"{len(summary['anomalies'])}, all in {root / 'run.json'}, the first: {textwrap.shorten(first, 240)}",
        "Time": duration(sum(summary["seconds"].values())),
    }
    click.echo()
    for name, text in lines.items():
        if text:
            click.echo(f"{click.style(f'{name:<12}', bold=True)} {text}")
