"""What a stream says, in no dialect.

Grammar, per choice:  Opened(i) Grew(i)* [Noted]* Closed(i)  for each part i, then Finished.  Around all choices:
Began first, and Noted(usage) whenever the provider tells it (the last one counts).

- Part indexes count up from 0 in the order of first appearance. Several parts of one choice may be open at a time
  (a wire that has no "end of block" leaves them open until Finished); `fold.Sequencer` puts them in a row for writers
  that must finish one block before the next.
- `Opened.part` holds all that is known at the start; each `Grew` appends to one aspect of it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Part
from tollbridge.model.response import Finish, Usage

Aspect = Literal["text", "arguments", "signature"]


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The head of the answer. `extra`: unknown top-level fields, as `Response.extra`."""

    id: str = ""
    model: str = ""
    created: int | None = None
    extra: JsonObject = {}


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    choice: int
    index: int
    part: Part


class Grew(msgspec.Struct, frozen=True, tag="grew"):
    """`text` is appended: to Text.text, Thinking.text, Refusal.text ("text"), ToolCall.arguments ("arguments"),
    Thinking.signature or ToolCall.signature ("signature")."""

    choice: int
    index: int
    text: str
    aspect: Aspect = "text"


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    choice: int
    index: int


class Cited(msgspec.Struct, frozen=True, tag="cited"):
    """A citation joins the Text part `index`."""

    index: int
    citation: Citation


class Logprobs(msgspec.Struct, frozen=True, tag="logprobs"):
    """A piece of OpenAI's logprobs object: lists inside it are appended."""

    value: Json


class Extra(msgspec.Struct, frozen=True, tag="extra"):
    """Unknown fields met on the way. `of`: what they belong to; for a part, `index` says which."""

    of: Literal["response", "choice", "message", "part"]
    value: JsonObject
    index: int = -1


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """Something incidental. `choice` is meaningless for Usage and Extra(of="response")."""

    note: Usage | Cited | Logprobs | Extra
    choice: int = 0


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The choice is over: all its parts are closed by this, where they were still open."""

    choice: int
    finish: Finish


Event = Began | Opened | Grew | Closed | Noted | Finished
