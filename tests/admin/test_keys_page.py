"""docs/keys.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

from tollbridge.admin.key_fields import PROMISING, READERS, RESTRICTING
from tollbridge.admin.key_routes import key_routes
from tollbridge.cli.keys import generate, update

PAGE = (Path(__file__).resolve().parents[2] / "docs/keys.md").read_text()


def test_its_routes_are_those_that_there_are() -> None:
    told = set(re.findall(r"`(/key/[^`?]*)", PAGE)) - {"/key/*"}
    assert told == {route.path for route in key_routes(cast(Any, None))}


def test_its_fields_are_those_that_are_read() -> None:
    rows = PAGE.split("| field | command line | means |")[1].split("\n\n")[0]
    told = {field for row in rows.splitlines()[2:] for field in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert told == {*READERS, "key"}


def test_its_options_are_those_of_the_command() -> None:
    known = {spelled for command in (generate, update) for parameter in command.params for spelled in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) <= known


def test_what_it_names_as_not_built_is_not_built() -> None:
    refused, warned = re.search(
        r"not built \((.*?) \.\.\.\).*?promises something \((.*?) \.\.\.\)", PAGE, re.S
    ).groups()  # type: ignore[union-attr]
    assert set(re.findall(r"`(\w+)`", refused)) <= RESTRICTING
    assert set(re.findall(r"`(\w+)`", warned)) <= set(PROMISING)
