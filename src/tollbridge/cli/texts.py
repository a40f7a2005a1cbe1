"""`TEXT`: an argument that is text. What a shell hands over may be any bytes, and no database takes those."""

from __future__ import annotations

from typing import Any

import click


class _Text(click.ParamType[str]):
    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("is no UTF-8.", param, ctx)
        return text


TEXT = _Text()
