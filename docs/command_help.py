"""Puts what `zfnet COMMAND --help` says of every command into the page of commands, when the documentation is built."""

import click

from zfnet.pipeline.cli.main import main

MARK = "<!-- help of every command -->"
WIDTH = 88


def on_page_markdown(markdown: str, **_) -> str:
    """Called by MkDocs for every page."""
    return markdown.replace(MARK, "\n\n".join(_sections())) if MARK in markdown else markdown


def _sections():
    group = click.Context(main, info_name="zfnet", max_content_width=WIDTH, terminal_width=WIDTH)
    for name in main.list_commands(group):
        command = main.get_command(group, name)
        context = click.Context(command, info_name=name, parent=group, max_content_width=WIDTH, terminal_width=WIDTH)
        yield f"## zfnet {name}\n\n```text\n{command.get_help(context)}\n```"
