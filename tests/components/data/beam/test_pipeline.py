import subprocess
import sys
import threading

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions, StandardOptions

from zfnet.components.data.beam.pipeline import open_pipeline


def test_local_pipelines_use_several_threads_of_this_process():
    with open_pipeline("FnApiRunner") as pipeline:
        direct = pipeline.options.view_as(DirectOptions)
    assert direct.direct_running_mode == "multi_threading"
    assert direct.direct_num_workers >= 2


def test_given_options_win():
    with open_pipeline("FnApiRunner", ("--direct_num_workers=5", "--direct_running_mode=in_memory")) as pipeline:
        direct = pipeline.options.view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode) == (5, "in_memory")


def test_other_runners_are_told_nothing_but_what_is_given():
    with open_pipeline("BundleBasedDirectRunner", ("--region=here",)) as pipeline:
        options = pipeline.options
    assert options.view_as(StandardOptions).runner == "BundleBasedDirectRunner"
    assert options.view_as(DirectOptions).direct_num_workers == 1
    assert options.view_as(GoogleCloudOptions).region == "here"


def test_everything_is_done_when_the_block_ends(tmp_path):
    with open_pipeline("FnApiRunner") as pipeline:
        _ = pipeline | beam.Create([3]) | beam.Map(lambda number: (tmp_path / str(number)).write_text(threading.current_thread().name))
    assert (tmp_path / "3").exists()


FAILS = """
import sys

import apache_beam as beam
from zfnet.components.data.beam.pipeline import open_pipeline
from zfnet.components.data.examples.shard import BrokenShardError


def fail(name):
    if name == "BrokenShardError":
        raise BrokenShardError("a [b] is damaged.\\nPrepare it again.")
    if name == "OSError":
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise OSError(28, "No space left", "a/b") from error
    1 / 0


try:
    with open_pipeline("FnApiRunner", sys.argv[2:]) as pipeline:
        _ = pipeline | beam.Create([sys.argv[1]]) | beam.Map(fail)
    print("not reached")
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("options", [(), ("--direct_running_mode=in_memory", "--direct_num_workers=1")], ids=["threads", "in_memory"])
@pytest.mark.parametrize(
    ("name", "message"),
    [("BrokenShardError", "a [b] is damaged.\nPrepare it again."), ("OSError", "[Errno 28] No space left: 'a/b'")],
)
def test_what_fails_on_a_worker_says_so_in_its_own_words(name, message, options, forked):
    # In a process of its own: threads that Beam leaves behind may fail later, and would be taken for the failure of another test.
    process = subprocess.run(forked([sys.executable, "-c", FAILS, name, *options]), capture_output=True, text=True, check=True)
    assert process.stdout == f"{message}\n"


def test_an_error_in_a_program_is_named_by_its_class(forked):
    process = subprocess.run(forked([sys.executable, "-c", FAILS, "ZeroDivisionError"]), capture_output=True, text=True, check=True)
    assert process.stdout == "ZeroDivisionError: division by zero\n"


def test_an_error_in_the_block_is_left_alone():
    with pytest.raises(KeyError, match="wrong"), open_pipeline("FnApiRunner"):
        raise KeyError("wrong")
