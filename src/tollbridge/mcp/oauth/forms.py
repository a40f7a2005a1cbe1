"""What a person typed into a page, and whose key it is."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isawaitable
from urllib.parse import parse_qsl

from tollbridge.errors import BadRequestError
from tollbridge.policy.principal import Principal
from tollbridge.server.identify import Authenticator

BYTES_MAX = 16 * 1024
FIELDS_MAX = 30


def read_form(body: bytes) -> Mapping[str, str]:
    """Raises BadRequestError."""
    try:
        if len(body) > BYTES_MAX:
            raise ValueError("too large")
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError as error:
        raise BadRequestError("This form cannot be read.") from error


async def who(door: Authenticator, headers: Mapping[bytes, bytes], key: str) -> Principal:
    """Whose key was typed in. `headers`: what else a door looks at. Raises APIError."""
    typed = key.strip().encode()
    found = door.authenticate({**headers, **({b"authorization": b"Bearer " + typed} if typed else {})})
    return await found if isawaitable(found) else found
