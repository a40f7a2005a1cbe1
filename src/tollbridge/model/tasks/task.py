"""What the requests and responses of all tasks share.

`extra` keeps fields that nobody here knows, by their name in the dialect of `origin`: a writer sends them on where the
origin is its own wire, and tells a Caveat elsewhere. What is counted by other measures than tokens stands in
`Usage.units`.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.response import Usage


class TaskRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`texts`: all that is to be read in it, for who has to count its tokens."""

    origin: str = ""
    user: str | None = None
    extra: JsonObject = {}

    @property
    def texts(self) -> tuple[str, ...]:
        return ()

    @property
    def tokens(self) -> int:
        """Of texts that came as tokens."""
        return 0

    @property
    def media(self) -> int:
        """How many images there are to look at."""
        return 0

    @property
    def units(self) -> dict[str, int]:
        """What it is measured by besides tokens, where the request alone decides that."""
        return {}

    @property
    def likely_units(self) -> dict[str, int]:
        """The same by a guess, where the answer decides and does not tell."""
        return self.units

    @property
    def most_units(self) -> dict[str, int]:
        """The same at most, where the answer decides."""
        return self.units


class TaskResponse(msgspec.Struct, frozen=True, kw_only=True):
    """`id`, `model`, `created` (epoch seconds) are the provider's; `usage`: None where it told none."""

    id: str = ""
    model: str = ""
    created: int | None = None
    usage: Usage | None = None
    origin: str = ""
    extra: JsonObject = {}


class Upload(msgspec.Struct, frozen=True):
    """A file that a client sent along. `media_type`: as it was said; "" where nobody did."""

    name: str
    media_type: str
    data: bytes

    def __repr__(self) -> str:
        return f"<Upload {self.media_type or 'of no type'}, {len(self.data)} bytes>"
