import sys

import click
import pytest
from click.testing import CliRunner
from etils import epath

from zfnet.pipeline.options import command_line, root_option


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run", "--data", "my birds"], "zfnet run --data 'my birds'"),
        (["run", "--metadata", "postgresql://me:se:cret@host/runs"], "zfnet run --metadata postgresql://me:***@host/runs"),
        (["runs", "--metadata=postgresql://me@host:5432/runs"], "zfnet runs --metadata=postgresql://me@host:5432/runs"),
        (["run", "--root", "gs://bucket/a@b:c"], "zfnet run --root gs://bucket/a@b:c"),
    ],
)
def test_recorded_command_line_holds_no_password(monkeypatch, words, line):
    monkeypatch.setattr(sys, "argv", ["zfnet", *words])
    assert command_line() == line


@click.command
@root_option
def tell(root):
    assert isinstance(root, epath.Path)
    click.echo(root)


def test_root(tmp_path):
    (tmp_path / "file").touch()
    assert CliRunner().invoke(tell).stdout == "zfnet_run\n"
    assert CliRunner().invoke(tell, ["--root", "gs://bucket/run"]).stdout == "gs://bucket/run\n"
    assert "is a file" in CliRunner().invoke(tell, ["--root", str(tmp_path / "file")]).stderr
    assert "expected a directory, or gs://bucket/name" in CliRunner().invoke(tell, ["--root", "ftp://host/run"]).stderr
