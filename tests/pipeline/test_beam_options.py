import pytest

from zfnet.pipeline.beam_options import step_options

STEPS = ("ExampleGen", "StatisticsGen")


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
