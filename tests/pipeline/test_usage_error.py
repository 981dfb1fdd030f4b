import click
import pytest

from zfnet.pipeline.usage_error import WrongUsage, short_usage_errors


def test_two_lines_and_the_same_exit_code():
    context = click.Context(click.Command("look"), info_name="look")
    with pytest.raises(WrongUsage) as caught, short_usage_errors():
        raise click.BadParameter("'x' is not a valid integer range.", context, param_hint="'--unit'")
    assert caught.value.format_message().splitlines() == [
        "Invalid value for '--unit': 'x' is not a whole number.",
        "`look --help` tells what it takes.",
    ]
    assert caught.value.exit_code == click.UsageError.exit_code


def test_other_errors_pass():
    with pytest.raises(click.ClickException, match="broken"), short_usage_errors():
        raise click.ClickException("broken")
