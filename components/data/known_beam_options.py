"""Whether Beam knows the options that it is given: by itself it drops the others, and says so in a log only."""

import contextlib
import difflib
import io
from collections.abc import Sequence

# Runners that hand options on, to a job server that may know more of them than Beam, as Beam's command line takes them: in any case, and
# without the word. So may a class that is named in full.
HANDING_ON = ("portable", "flink", "kafkastreams", "prism", "spark")


def refuse_unknown_options(runner: str, beam_options: Sequence[str]) -> None:
    """Fails if Beam does not know an option, or what it is to take.

    Args:
        runner: name of a Beam runner.
        beam_options: options as on Beam's command line.

    Raises:
        ValueError: there is no such option, or its value is missing or of another type.

    Examples:
        refuse_unknown_options("DataflowRunner", ["--region=europe-west4", "--max_num_workers=50"])
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            given = PipelineOptions(list(beam_options))
            known, all_options = given.get_all_options(), given.get_all_options(retain_unknown_options=True)
    except SystemExit as error:  # argparse has printed how Beam is used, and then what is wrong.
        wrong = said.getvalue().rpartition("error: ")[2].strip() or "--help is for people, and Beam's documentation has it"
        raise ValueError(f"Beam can't take the options behind --: {wrong}.") from error
    unknown = sorted(all_options.keys() - known.keys())
    if unknown and "." not in runner and runner.lower().removesuffix("runner") not in HANDING_ON:
        near = difflib.get_close_matches(unknown[0], known)
        hint = f" Did you mean --{' or --'.join(near)}?" if near else ""
        raise ValueError(f"Beam has no option --{unknown[0]}.{hint} Behind -- stand options of Beam and of {runner} alone.")
