import pytest

from zfnet.components.data.known_beam_options import refuse_unknown_options


@pytest.mark.parametrize(
    "options", [[], ["--region=here", "--max_num_workers", "50"], ["--save_main_session", "--experiments=a", "--experiments=b"]]
)
def test_what_beam_knows(options):
    refuse_unknown_options("DataflowRunner", options)


def test_what_it_does_not_know():
    with pytest.raises(
        ValueError, match=r"Beam has no option --max_num_worker\. Did you mean --max_num_workers( or --\w+)*\? .*DataflowRunner"
    ):
        refuse_unknown_options("DataflowRunner", ["--region=here", "--max_num_worker=50"])


@pytest.mark.parametrize("runner", ["FlinkRunner", "my.own.Runner"])
def test_others_may_know_more(runner):
    refuse_unknown_options(runner, ["--state_backend_storage=here", "--nobody_knows", "this"])


@pytest.mark.parametrize(
    ("options", "wrong"),
    [(["--job_endpoint"], "argument --job_endpoint: expected one argument"), (["--max_num_workers=ten"], "invalid int value: 'ten'")],
)
def test_what_an_option_does_not_take(capfd, options, wrong):
    with pytest.raises(ValueError, match=wrong):
        refuse_unknown_options("PortableRunner", options)
    assert capfd.readouterr().err == ""
