"""Whether a body may hold an input that its target cannot read, before it goes on as it came.

A row says what a provider or model lacks, and a writer leaves that out with a Caveat. A body that is relayed no writer
sees: so it is searched for the words that such an input cannot do without, and read and written only where one is
found. Sometimes the words are another's, and then nothing is lost but time.

A video alone is not looked for: who reads pictures and no video (OpenAI's models) refuses it by itself, and every body
of theirs would be searched.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.wires.dialects import CHAT, GEMINI, MESSAGES, RESPONSES

_GEMINIS_MEDIA = (b"inlineData", b"inline_data", b"fileData", b"file_data")
_MARKS: Mapping[str, Mapping[str, tuple[bytes, ...]]] = {
    CHAT: {
        "images": (b'"image_url"',),
        "files": (b'"file"', b'"document_url"'),
        "audio": (b'"input_audio"',),
        "video": (b'"video_url"',),
        "tool_images": (b'"image_url"',),
        "system": (b'"system"', b'"developer"'),
        "reasoning_history": (b'"reasoning', b'"thinking_blocks"', b'"thinking"'),
    },
    RESPONSES: {
        "images": (b'"input_image"',),
        "files": (b'"input_file"',),
        "audio": (b'"input_audio"',),
        "video": (b'"input_video"',),
        "tool_images": (b'"input_image"',),
        "system": (b'"system"', b'"developer"', b'"instructions"'),
        "reasoning_history": (b'"reasoning"',),
    },
    MESSAGES: {
        "images": (b'"image"',),
        "files": (b'"document"',),
        "tool_images": (b'"image"',),
        "system": (b'"system"',),
        "reasoning_history": (b'"thinking"', b'"redacted_thinking"'),
    },
    GEMINI: {
        "images": _GEMINIS_MEDIA,
        "files": _GEMINIS_MEDIA,
        "audio": _GEMINIS_MEDIA,
        "video": _GEMINIS_MEDIA,
        "tool_images": _GEMINIS_MEDIA,
        "system": (b"systemInstruction", b"system_instruction"),
        "reasoning_history": (b'"thought"',),
    },
}
"""By dialect and word of `FEATURES`: what stands in a body wherever such an input does."""


def marks(dialect: str, lacks: frozenset[str]) -> tuple[bytes, ...]:
    """What to look for in bodies for a target that lacks this; empty where nothing need be."""
    known = _MARKS.get(dialect, {})
    lacked = lacks & known.keys()
    if lacked <= {"video"}:
        return ()
    return tuple(dict.fromkeys(mark for feature in sorted(lacked) for mark in known[feature]))
