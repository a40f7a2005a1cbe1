"""What holds for each command: an example in its help, a place on the page, JSON that a program can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tollbridge.cli import main

PAGE = (Path(__file__).resolve().parents[2] / "docs/cli.md").read_text()
FOR_EVER = {"tollbridge serve", "tollbridge mcp stdio"}
"""They run until they are stopped, and print for nobody who would read JSON."""


def tree(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from tree(found, f"{name} {below}")


COMMANDS = [pytest.param(name, one, id=name) for name, one in tree(main, "tollbridge") if name != "tollbridge"]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_each_command_has_an_example_in_its_help_and_stands_on_the_page(name: str, command: click.Command) -> None:
    told = command.get_help(click.Context(command, info_name=name))
    assert "Example:" in told
    assert "xit code" in told or name.startswith("tollbridge keys ")  # said once, by `tollbridge keys`
    assert re.search(rf"Example:.*{re.escape(name)}\b", " ".join(told.split())), told
    assert f"`{name}`" in PAGE or f"`{name} ...`" in PAGE
    assert re.search(rf"(?:^|`){re.escape(name)} ", PAGE, re.MULTILINE), "no example of it on the page"


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_each_command_prints_json_when_asked(name: str, command: click.Command) -> None:
    plain_group = isinstance(command, click.Group) and not command.invoke_without_command
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options or plain_group or name in FOR_EVER


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_each_option_says_what_it_does(name: str, command: click.Command) -> None:
    silent = [one.name for one in command.params if isinstance(one, click.Option) and not one.help and not one.hidden]
    assert not [one for one in silent if one != "form"], name
