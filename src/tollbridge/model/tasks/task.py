"""What the requests and responses of all tasks share.

`extra` keeps fields that nobody here knows, by their name in the dialect of `origin`: a writer sends them on where the
origin is its own wire, and tells a Caveat elsewhere. What is counted by other units than tokens stands in
`Usage.units`, by these names:

    characters      of a text that is to be spoken
    audio_ms        of sound that was heard, in thousandths of a second
    images          that were made
    search_units    of a ranking
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.response import Usage

CHARACTERS = "characters"
AUDIO_MS = "audio_ms"
IMAGES = "images"
SEARCH_UNITS = "search_units"
UNITS = (CHARACTERS, AUDIO_MS, IMAGES, SEARCH_UNITS)


class TaskRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`texts`: all that is to be read in it, for who has to count its tokens."""

    origin: str = ""
    user: str | None = None
    extra: JsonObject = {}

    @property
    def texts(self) -> tuple[str, ...]:
        return ()

    @property
    def units(self) -> dict[str, int]:
        """What it is measured by, as far as the request alone tells; the most that it can be."""
        return {}


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
