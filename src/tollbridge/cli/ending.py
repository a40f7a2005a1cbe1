"""How a command ends that cannot go on: one line on stderr, and an exit code.

    0  done
    1  failed: not found, in use already, a database that does not answer, a port that is taken
    2  what was given cannot be used: an option, a value, the configuration

`check` has codes of its own, as compilers do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from tollbridge.errors import BadRequestError, ConfigError, NotFoundError, TollbridgeError, UnprocessableEntityError

FAILED, UNUSABLE = 1, 2
_GIVEN = (ConfigError, BadRequestError, UnprocessableEntityError)


@contextmanager
def errors_told() -> Iterator[None]:
    try:
        yield
    except TollbridgeError as error:
        end(error)


def end(error: TollbridgeError) -> NoReturn:
    click.echo(f"error: {error}", err=True)
    sys.exit(UNUSABLE if isinstance(error, _GIVEN) and not isinstance(error, NotFoundError) else FAILED)
