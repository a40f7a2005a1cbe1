"""A conversation as a prompt and a system prompt: Replicate's language models take these two, and pictures beside.

One question is the prompt as it is. More than that is written as a transcript that ends where the assistant is to go
on, with a Caveat. What was thought, and what a tool was asked and said, stands in it as words.
"""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.request import Message, Request
from tollbridge.wires.dialects import format_of
from tollbridge.wires.losses import Losses
from tollbridge.wires.replicate.vocabulary import inputs_of

_SPEAKER = {"user": "User", "assistant": "Assistant"}


def write_prompt(request: Request, model: str, lacks: frozenset[str], losses: Losses) -> JsonObject:
    """The inputs `prompt`, `system_prompt`, and those of pictures."""
    system: list[str] = []
    said: list[tuple[str, str]] = []
    pictures: list[str] = []
    names = {part.id: part.name for message in request.messages for part in message.parts if isinstance(part, ToolCall)}
    for index, message in enumerate(request.messages):
        where = f"$.messages[{index}]"
        words = "\n\n".join(filter(None, _words(message, where, names, pictures, losses)))
        if message.role == "system":
            system.append(words)
        elif words and said and said[-1][0] == _SPEAKER[message.role]:
            said[-1] = (said[-1][0], f"{said[-1][1]}\n\n{words}")
        elif words:
            said.append((_SPEAKER[message.role], words))
    out: JsonObject = {"prompt": _transcript(said, losses)}
    told = "\n\n".join(filter(None, system))
    if told and "system" in lacks:
        losses.moved("$.messages", "The system message stands before the prompt: this model takes none")
        out["prompt"] = f"{told}\n\n{out['prompt']}"
    elif told:
        out["system_prompt"] = told
    if pictures and "images" in lacks:
        losses.part("$.messages", f"{_pictures(len(pictures))}: this model takes none")
    elif pictures and (many := inputs_of(model).pictures):
        out[many] = pictures
    elif pictures:
        out["image"] = pictures[-1]
        if len(pictures) > 1:
            losses.part("$.messages", f"{_pictures(len(pictures) - 1)}: the model takes one, the last")
    return out


def _pictures(number: int) -> str:
    return f"{number} picture{'s' if number > 1 else ''}"


def _transcript(said: list[tuple[str, str]], losses: Losses) -> str:
    if len(said) == 1 and said[0][0] == "User":
        return said[0][1]
    if not said:
        return ""
    losses.moved("$.messages", "The conversation is told as one prompt: Replicate's models take no turns")
    lines = [f"{who}: {words}" for who, words in said]
    return "\n\n".join(lines if said[-1][0] == "Assistant" else [*lines, "Assistant:"])


def _words(message: Message, where: str, names: dict[str, str], pictures: list[str], losses: Losses) -> list[str]:
    words: list[str] = []
    for part in message.parts:
        match part:
            case ToolResult():
                inner = [_of(one, where, pictures, losses) for one in part.content]
                kind = "Error" if part.is_error else "Result"
                words.append(f"[{kind} of {names.get(part.call_id, part.call_id)}] " + "\n".join(filter(None, inner)))
            case _:
                words.append(_of(part, where, pictures, losses))
    return words


def _of(part: Part, where: str, pictures: list[str], losses: Losses) -> str:
    match part:
        case Text(text=text) | Refusal(text=text):
            if isinstance(part, Text) and part.cache is not None:
                losses.mark(where)
            return text
        case ToolCall(runs_on="client", name=name, arguments=arguments):
            return f"[Called {name} with {arguments or '{}'}]"
        case Media(media_type=kind, source=source) if kind.startswith("image/"):
            match source:
                case Url(url=url):
                    pictures.append(url)
                case Inline(data=data):
                    pictures.append(f"data:{kind};base64,{data}")
                case _:
                    losses.part(where, "a picture in another provider's store")
            return ""
        case Thinking():
            if part.text:
                losses.part(where, "thinking of an earlier turn")
            return ""
        case Media(media_type=kind):
            losses.part(where, f"media of the type {kind}")
            return ""
        case Opaque(wire=wire):
            losses.part(where, f"a block that only {format_of(wire)} understands")
            return ""
        case _:
            losses.part(where, f"a {type(part).__name__}")
            return ""
