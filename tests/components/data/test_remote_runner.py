import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from zfnet.components.data import remote_runner
from zfnet.components.data.remote_runner import refuse_local_data, refuse_without_run, remote_options


def options(runner: str, *given: str, output: str = "gs://b/out") -> list[str]:
    return remote_options(runner, PipelineOptions(list(given)), output)


def test_dataflow_is_told_where_the_package_is_and_where_to_keep_its_files():
    setup_file, temporary = options("DataflowRunner")
    assert setup_file.endswith("/setup.py")
    assert remote_runner.SETUP_FILE.exists()
    assert temporary == "--temp_location=gs://b/out-beam"  # beside the output, which is to hold nothing else


def test_what_is_given_wins():
    assert options("DataflowRunner", "--setup_file=./setup.py", "--temp_location=gs://b/t") == []
    assert options("DataflowRunner", "--extra_package=zfnet.tar.gz", "--temp_location=gs://b/t") == []
    assert options("PortableRunner", "--environment_type=EXTERNAL") == []


def test_local_runners_are_told_nothing():
    assert options("FnApiRunner", output="/here") == []


def test_an_installed_package_cannot_be_sent(monkeypatch, tmp_path):
    monkeypatch.setattr(remote_runner, "SETUP_FILE", tmp_path / "setup.py")
    with pytest.raises(ValueError, match=r"need the package zfnet.*--extra_package"):
        options("DataflowRunner")
    assert options("DataflowRunner", "--sdk_container_image=image") == ["--temp_location=gs://b/out-beam"]


def test_other_machines_have_other_disks():
    with pytest.raises(ValueError, match="cannot write to a disk of this one"):
        options("DataflowRunner", output="/here")
    with pytest.raises(ValueError, match="cannot read /photographs: copy the photographs to Cloud Storage"):
        refuse_local_data("DataflowRunner", "/photographs")
    refuse_local_data("DataflowRunner", "gs://b/photographs")
    refuse_local_data("FnApiRunner", "/photographs")


@pytest.mark.parametrize(
    ("option", "words"), [("--dry_run=True", "the job can be built"), ("--template_location=gs://b/job", "the job is in gs://b/job")]
)
def test_a_job_that_was_not_run_is_no_success(option, words):
    with pytest.raises(ValueError, match=f"Nothing was run, as .* asks: {words}"):
        refuse_without_run(PipelineOptions([option]))
    refuse_without_run(PipelineOptions([]))
