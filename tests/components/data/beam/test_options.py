import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from zfnet.components.data.beam import pipeline
from zfnet.components.data.beam.options import check_data_reaches_runner, check_model_reaches_runner, step_options
from zfnet.components.data.beam.pipeline import check_options, check_runner_starts, remote_options

STEPS = ("ExampleGen", "StatisticsGen")


@pytest.mark.parametrize(
    "options", [[], ["--region=here", "--max_num_workers", "50"], ["--save_main_session", "--experiments=a", "--experiments=b"]]
)
def test_what_beam_knows(options):
    check_options("DataflowRunner", options)


def test_what_it_does_not_know():
    with pytest.raises(
        ValueError, match=r"Beam has no option --max_num_worker\. Did you mean --max_num_workers( or --\w+)*\? .*DataflowRunner"
    ):
        check_options("DataflowRunner", ["--region=here", "--max_num_worker=50"])


@pytest.mark.parametrize("runner", ["FlinkRunner", "my.own.Runner"])
def test_others_may_know_more(runner):
    check_options(runner, ["--state_backend_storage=here", "--nobody_knows", "this"])


@pytest.mark.parametrize(
    ("options", "wrong"),
    [(["--job_endpoint"], "argument --job_endpoint: expected one argument"), (["--max_num_workers=ten"], "invalid int value: 'ten'")],
)
def test_what_an_option_does_not_take(capfd, options, wrong):
    with pytest.raises(ValueError, match=wrong):
        check_options("PortableRunner", options)
    assert capfd.readouterr().err == ""


def test_options_are_for_all_steps_unless_they_name_one():
    options = step_options(["--region=R", "--StatisticsGen.max_num_workers=3", "--no_auth"], STEPS)
    assert options == {
        "ExampleGen": ("--region=R", "--no_auth"),
        "StatisticsGen": ("--region=R", "--no_auth", "--max_num_workers=3"),
    }


def test_the_option_of_a_step_wins_wherever_it_stands():
    from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions

    options = step_options(["--StatisticsGen.max_num_workers=3", "--max_num_workers=9"], STEPS)
    found = {step: PipelineOptions(list(given)).view_as(WorkerOptions).max_num_workers for step, given in options.items()}
    assert found == {"ExampleGen": 9, "StatisticsGen": 3}


def test_values_may_be_words_of_their_own():
    options = step_options(["--ExampleGen.region", "a", "--project", "p", "--ExampleGen.no_auth", "--StatisticsGen.region", "b"], STEPS)
    assert options == {
        "ExampleGen": ("--project", "p", "--region", "a", "--no_auth"),
        "StatisticsGen": ("--project", "p", "--region", "b"),
    }


def test_dots_in_values_mean_nothing():
    given = ("--dataflow_endpoint=http://a.b:1", "--ExampleGen.environment_config=c.d:2", "-x", "e.f")
    assert step_options(given, STEPS)["ExampleGen"] == (given[0], "-x", "e.f", "--environment_config=c.d:2")


@pytest.mark.parametrize("option", ["--Trainer.region=R", "--examplegen.region=R", "--.region=R"])
def test_unknown_step_is_refused(option):
    with pytest.raises(ValueError, match=r"expected --STEP\.NAME=VALUE with STEP one of ExampleGen, StatisticsGen\.$") as raised:
        step_options([option], STEPS)
    assert option in str(raised.value)


def test_no_options():
    assert step_options((), STEPS) == {"ExampleGen": (), "StatisticsGen": ()}


def options(runner: str, *given: str, output: str = "gs://b/out") -> list[str]:
    return remote_options(runner, PipelineOptions(list(given)), output)


def test_dataflow_is_told_where_the_package_is_and_where_to_keep_its_files():
    setup_file, temporary = options("DataflowRunner")
    assert setup_file.endswith("/setup.py")
    assert pipeline.SETUP_FILE.exists()
    assert temporary == "--temp_location=gs://b/out-beam"  # beside the output, which is to hold nothing else


def test_what_is_given_wins():
    assert options("DataflowRunner", "--setup_file=./setup.py", "--temp_location=gs://b/t") == []
    assert options("DataflowRunner", "--extra_package=zfnet.tar.gz", "--temp_location=gs://b/t") == []
    assert options("PortableRunner", "--environment_type=EXTERNAL") == []


def test_local_runners_are_told_nothing():
    assert options("FnApiRunner", output="/here") == []


def test_an_installed_package_cannot_be_sent(monkeypatch, tmp_path):
    monkeypatch.setattr(pipeline, "SETUP_FILE", tmp_path / "setup.py")
    with pytest.raises(ValueError, match=r"need the package zfnet.*--extra_package"):
        options("DataflowRunner")
    assert options("DataflowRunner", "--sdk_container_image=image") == ["--temp_location=gs://b/out-beam"]


def test_other_machines_have_other_disks():
    with pytest.raises(ValueError, match="cannot write to a disk of this one"):
        options("DataflowRunner", output="/here")
    with pytest.raises(ValueError, match="cannot read /photographs: copy the photographs to Cloud Storage"):
        check_data_reaches_runner("DataflowRunner", "/photographs")
    check_data_reaches_runner("DataflowRunner", "gs://b/photographs")
    check_data_reaches_runner("FnApiRunner", "/photographs")
    with pytest.raises(ValueError, match="cannot read /model: copy the model to Cloud Storage, and give its path there as MODEL"):
        check_model_reaches_runner("DataflowRunner", "/model")
    check_model_reaches_runner("DataflowRunner", "gs://b/model")


@pytest.mark.parametrize(
    ("option", "words"), [("--dry_run=True", "the job can be built"), ("--template_location=gs://b/job", "the job is in gs://b/job")]
)
def test_a_job_that_was_not_run_is_no_success(option, words):
    with pytest.raises(ValueError, match=f"Nothing was run, as .* asks: {words}"):
        check_runner_starts(PipelineOptions([option]))
    check_runner_starts(PipelineOptions([]))
