"""Documents of text, for formats that have no other."""

from __future__ import annotations

from base64 import b64decode

from tollbridge.model.parts import Inline, Media


def text_of(media: Media) -> str | None:
    """The text of an inline document, under its name; None where it is none, or no text."""
    if not media.media_type.startswith("text/") or not isinstance(media.source, Inline):
        return None
    try:
        text = b64decode("".join(media.source.data.split()), validate=True).decode()
    except ValueError:
        return None
    return f"{media.name}\n\n{text}" if media.name else text
