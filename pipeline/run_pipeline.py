"""A whole run: the steps, the pictures, and a word about how it ended."""

from collections.abc import Callable
from typing import Any

from etils import epath

from zfnet.components import artifacts
from zfnet.pipeline.cluster_run import announced_run
from zfnet.pipeline.figures_directory import publish_figures
from zfnet.pipeline.local_runner import LocalRunner
from zfnet.pipeline.run_summary import summarize, write_summary
from zfnet.pipeline.step import Step
from zfnet.pipeline.step_result import StepResult


def run_pipeline(
    root: epath.PathLike, declare: Callable[[], list[Step]], command: str, metadata_url: str | None = None, wait: bool = False
) -> dict[str, Any]:
    """Runs a pipeline under `root` and writes ROOT/run.json however it ends.

    Args:
        root: the directory for everything, made if missing.
        declare: returns the steps. It is called when the root is held, so an error in the data that it opens ends up in run.json too.
        command: the command line to record.
        metadata_url: the database to record in, see `open_metadata`; None for the root's own.
        wait: whether to wait for another process that holds the root.

    Returns:
        The content of run.json, see `summarize`.

    Raises:
        OSError: the root can't be written, or another process holds it; run.json was not touched then.
        Exception: whatever a step raised.
    """
    root = epath.Path(root)
    with LocalRunner(root, command, metadata_url, wait) as runner, announced_run(root):
        try:
            runner.run(declare())
            publish_figures(root / "figures", _pictures(runner.results))
            summary = summarize(root, runner.results)
        except BaseException as error:
            write_summary(root, summarize(root, runner.results, error))
            raise
        write_summary(root, summary)
    return summary


def _pictures(results: dict[str, StepResult]) -> list[epath.Path]:
    """Pictures, with the numbers behind them, of the Visualizer and of the training."""
    made = [output for result in results.values() for output in result.outputs.values()]
    directories = [output.path for output in made if isinstance(output, artifacts.Figures)]
    directories += [output.path / "pictures" for output in made if isinstance(output, artifacts.Model)]
    return [file for directory in directories for suffix in ("png", "json") for file in sorted(directory.glob(f"*.{suffix}"))]
