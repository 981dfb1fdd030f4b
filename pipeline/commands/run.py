"""`zfnet run`: the whole pipeline."""

import json
import signal
import textwrap
from typing import Any

import click
from etils import epath

from zfnet.components.artifacts import Evaluation, Examples
from zfnet.components.evaluation.threshold import Threshold
from zfnet.components.storage.files import is_remote
from zfnet.components.training.cluster_task import read_task
from zfnet.model.net.architecture import ARCHITECTURES
from zfnet.pipeline.cli.arguments import find_model
from zfnet.pipeline.cli.command import Command, command_line
from zfnet.pipeline.cli.options import beam_options_argument, choice_options, metadata_option, root_option, runner_option
from zfnet.pipeline.cli.output import check_outside_data
from zfnet.pipeline.messages import duration, program_name
from zfnet.pipeline.orchestration.step import Step
from zfnet.pipeline.run_config import RunConfig, choose, config_names
from zfnet.pipeline.run_pipeline import follow_run, run_pipeline

NOT_BLESSED = 3


def _conditions(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...] | None:
    try:
        return tuple(str(Threshold.parse(word)) for word in words) or None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _reason(ctx: click.Context, parameter: click.Parameter, words: str | None) -> str | None:
    if words is not None and not words.strip():
        raise click.BadParameter("expected the reason in words, which is recorded with the model.")
    return words


@click.command(cls=Command, short_help="Train a network on images and draw its features.")
@click.option(
    "--config",
    "config_name",
    type=click.Choice(config_names()),
    show_default="photo_patches; with --data: folder",
    help="Configuration: defaults for the options below. The defaults shown are those of photo_patches.",
)
@click.option(
    "--local",
    is_flag=True,
    help="Reduce the configuration to about a minute on a laptop: two epochs at 64 pixels, and only a part of a large data set.",
)
@choice_options()
@click.option(
    "--bless",
    multiple=True,
    callback=_conditions,
    metavar="CONDITION",
    help="Serve the model only if it also meets this condition, such as 'top1_error<0.2', 'top1_error[CLASS]<0.3' for one class or "
    "'top1_error[*]<0.4' for each class. May be repeated. A change repeats the evaluation and the pictures, not the training.",
)
@click.option(
    "--slice-by",
    metavar="COLUMN",
    help="Column of the CSV given as --data, such as camera: also measure the errors for each of its values. A change repeats the "
    "evaluation and the pictures, not the training.",
)
@click.option(
    "--push-anyway",
    callback=_reason,
    metavar="REASON",
    help="Serve the model even if it is not good enough. The reason is recorded with it, and the exit code is 0.",
)
@root_option
@click.option("--strict", is_flag=True, help="Fail before training if the data has anomalies.")
@click.option("--wait", is_flag=True, help="If another run uses the root, wait for its end instead of failing.")
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
    """Prepare images, train a network on them, evaluate it, draw its features, and export it for serving.

    A second run repeats only the steps whose inputs, options or code changed. ROOT/run.json and the exit code give the result: 0 success,
    1 failure, 2 wrong usage, 3 model not good enough to be served (run.json gives the reason). A model is good enough if it is better than
    always predicting the most frequent classes, not worse, on the same validation examples, than the model served last, and meets all
    conditions of --bless.

    BEAM OPTIONS are passed to the Beam runner, as in `zfnet run --runner PortableRunner -- --job_endpoint=localhost:50001`. The name of a
    step limits an option to it: --StatisticsGen.direct_num_workers=1.
    """
    # SIGTERM is treated like Ctrl-C: partial outputs are removed, and run.json says so.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config = choose(config_name, start_choices(choices), local)
    config.check_together()
    check_outside_data(root, config.data, "--root")

    from zfnet.components.data.sources.open_source import open_source
    from zfnet.components.storage.local_copy import cache_directory
    from zfnet.pipeline.zfnet_pipeline import zfnet_pipeline

    task = read_task()
    if task and not task.chief:
        follow_run(root, task)
        return

    def declare() -> list[Step]:
        # TFDS reads with TensorFlow, which supports fewer storages.
        downloads = cache_directory() / "tfds" if is_remote(str(root)) else root / "tfds"
        config.check_image_size()
        source = open_source(config.data, downloads)
        for condition in config.bless:
            Threshold.parse(condition).check_class(source.labels)
        return zfnet_pipeline(config, source, root, runner, beam_options, strict, metadata_url)

    summary = run_pipeline(root, declare, command_line(), metadata_url, wait)
    report(root, config, summary)
    if summary["status"] == "not_blessed":
        click.get_current_context().exit(NOT_BLESSED)


def start_choices(choices: dict[str, Any]) -> dict[str, Any]:
    """The choices of a run with the file of the model that it starts from, as an absolute path, instead of the run that made it.

    Where they are not chosen, the architecture and the image size are those of the start, if a run made it; the size, as long as its
    examples are there. A net by name gives its architecture if the table has it.

    Raises:
        ValueError: there is no such model.
    """
    start = choices.get("start_from")
    if not start:
        return choices
    found, likely = find_model(start), {}
    if found.net:
        likely["architecture"] = start.partition("?")[0].replace(":", "-")
        return choices | {name: choices[name] or value for name, value in likely.items() if value in ARCHITECTURES}
    recipe = found.file.parent / "recipe.json"
    if recipe.exists():
        likely["architecture"] = json.loads(recipe.read_text()).get("architecture")
    if found.examples and (found.examples.path / "manifest.json").exists():
        likely["image_size"] = found.examples.image_size
    path = str(found.file) if is_remote(str(found.file)) else str(found.file.resolve())
    return choices | {name: choices[name] or value for name, value in likely.items()} | {"start_from": path}


def report(root: epath.Path, config: RunConfig, summary: dict[str, Any]) -> None:
    """Prints the results of a run and the places of its outputs."""
    metrics, counts, paths = summary["metrics"], summary["examples"], summary["artifacts"]
    # With five classes or fewer, every class is among the best five.
    ranks = (1, 5) if len(Examples(root / paths["examples"]).labels) > 5 else (1,)
    errors = [f"top-{k} error {metrics[f'top{k}_error']:.1%}" for k in ranks]
    if metrics["top1_error_ten_crop"] is not None:
        errors += ["with ten crops " + " and ".join(f"{metrics[f'top{k}_error_ten_crop']:.1%}" for k in ranks)]
    blessed = summary["status"] == "done" and Evaluation(root / paths["evaluation"]).read_json("evaluation.json")["reason"]
    first = next((anomaly["message"] for anomaly in summary["anomalies"]), None)
    program, at_root = program_name(), "" if str(root) == "zfnet_run" else f" --root {root}"
    lines = {
        "Result": f"{', '.join(errors)}, on {counts['validation']:,} validation examples of {config.data}",
        "Filters": metrics["structured"] is not None and f"{metrics['structured']:.0%} of those in the first layer have structure",
        "Blessed": blessed,
        "Not blessed": summary["message"],
        "Model": root / paths["model"],
        "Pictures": root / paths["figures"],
        "Serving": paths["serving"] and root / paths["serving"],
        "Report": f"{program} report{at_root}",
        "TensorBoard": f"{program} tensorboard{at_root}",
        "Rejected": counts["rejected"] and f"{counts['rejected']:,} photographs, see {root / paths['examples'] / 'rejected.jsonl'}",
        "Anomalies": first and f"{_counted(summary['anomalies'])}, see {root / 'run.json'}; the first: {textwrap.shorten(first, 240)}",
        "Time": duration(sum(summary["seconds"].values())),
    }
    click.echo()
    for name, text in lines.items():
        if text:
            click.echo(f"{click.style(f'{name:<12}', bold=True)} {text}")


def _counted(anomalies: list[dict[str, Any]]) -> str:
    """The numbers of anomalies of each kind, the kinds in their order: `1 dark_class, 6 near_copy`."""
    from zfnet.components.example_validator import count_anomalies

    return ", ".join(f"{number:,} {kind}" for kind, number in count_anomalies(anomalies).items())
