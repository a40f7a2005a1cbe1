"""Documents of text, for formats that have no other; and whose store a file lies in, by what it is called there."""

from __future__ import annotations

import re
from base64 import b64decode

from tollbridge.model.parts import Inline, Media

GOOGLES_FILES = ("gs://", "https://generativelanguage.googleapis.com/")
OPENAIS_FILE = re.compile(r"(?:file|assistant)-")
"""`file-`: recorded answers of OpenAI's. `assistant-`: Azure's, not found in its documentation."""
ANTHROPICS_FILE = re.compile(r"file_")
"""https://platform.claude.com/docs/en/api/files-create (seen 2026-11-27), by its example: the format may change."""
ELSEWHERE = "a file's id, which belongs to the store of the provider that gave it"


def text_of(media: Media) -> str | None:
    """The text of an inline document, under its name; None where it is none, or no text."""
    if not media.media_type.startswith("text/") or not isinstance(media.source, Inline):
        return None
    try:
        text = b64decode("".join(media.source.data.split()), validate=True).decode()
    except ValueError:
        return None
    return f"{media.name}\n\n{text}" if media.name else text
