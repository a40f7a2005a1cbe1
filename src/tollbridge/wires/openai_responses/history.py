"""The messages of another dialect as items of this one.

1. A message becomes an item for each thing that it holds: texts and media in a row make one message, thinking that
   this provider signed is reasoning, a call and its output are items of their own.
2. The outputs of a turn come before the rest of what its user says.
3. Each output must follow a call with its id; else the provider would refuse the history with words that help nobody.
   `Target.modify` puts a call with that id before it. An id that is over the format's limit becomes a shorter one.
4. Text is a string where it is one alone; cache marks, names and vendor's fields stay behind, with a Caveat where they
   mean something.
"""

from __future__ import annotations

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import (
    FileRef,
    Inline,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
)
from tollbridge.model.request import Message
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import CACHES_ITSELF, unsent_marks
from tollbridge.wires.base import Target
from tollbridge.wires.calls_made import OR_RESTORED
from tollbridge.wires.dialects import format_of
from tollbridge.wires.documents import ELSEWHERE, OPENAIS_FILE
from tollbridge.wires.openai_responses.citations import write_citation
from tollbridge.wires.openai_responses.content import audio_format, write_media
from tollbridge.wires.openai_responses.lacking import Lacking, foreign_signature
from tollbridge.wires.openai_responses.reasoning import read_signature
from tollbridge.wires.openai_responses.vocabulary import NAME, approximated, made_id

ID_CHARACTERS_MAX = 64


class History:
    def __init__(self, to: Target, caveats: list[Caveat]) -> None:
        self._to = to
        self._caveats = caveats
        self._lacking = Lacking(to, caveats)
        self._items: list[JsonObject] = []
        self._calls: set[str] = set()
        self._unmarked: list[str] = []

    def write(self, messages: tuple[Message, ...]) -> list[JsonObject]:
        """Raises BadRequestError for a tool result whose call is absent (rule 3)."""
        for index, message in enumerate(messages):
            where = f"$.messages[{index}]"
            match message.role:
                case "system":
                    self._message(self._system_role(where), message.parts, where)
                case "user":
                    self._user(message, where)
                case "assistant":
                    self._assistant(message, where)
        if self._unmarked:
            self._caveats.append(unsent_marks(self._unmarked[0], len(self._unmarked), CACHES_ITSELF))
        return self._items

    def _system_role(self, where: str) -> str:
        if "system" in self._to.lacks:
            self._caveats.append(approximated(where, "The model takes no system message; it is told as the user's."))
            return "user"
        return self._to.prefers.get("system_role", "system")

    def _user(self, message: Message, where: str) -> None:
        rest: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._output(part, where)
            else:
                rest.append(part)
        if rest or not message.parts:
            self._message("user", tuple(rest), where)

    def _assistant(self, message: Message, where: str) -> None:
        said: list[Part] = []
        for part in message.parts:
            if isinstance(part, Text | Refusal):
                said.append(part)
                continue
            self._flush(said, where)
            match part:
                case ToolCall():
                    self._call(part, where)
                case Thinking():
                    self._thinking(part, where)
                case Opaque(wire=wire, value=value) if wire == NAME and isinstance(value, dict):
                    self._items.append(value)  # an item that came home
                case Opaque(wire=wire):
                    self._lacking.drop(where, f"a block that only {format_of(wire)} understands")
                case Media(media_type=media_type):
                    self._lacking.drop(where, f"{media_type} of the assistant's, for which there is no item")
                case _:
                    self._lacking.drop(where, f"a {type(part).__name__} of the assistant's")
        self._flush(said, where)

    def _flush(self, said: list[Part], where: str) -> None:
        """The texts so far as one message; blank ones say nothing."""
        if any(isinstance(part, Text | Refusal) and part.text.strip() for part in said):
            self._message("assistant", tuple(said), where)
        said.clear()

    def _message(self, role: str, parts: tuple[Part, ...], where: str) -> None:
        written = [self._content(part, role, where) for part in parts]
        content: Json = [part for part in written if part is not None]
        if parts and not content:
            return  # all of it was left out
        if len(content) < 2 and all(part.get("text") is not None and not part.get("annotations") for part in content):
            content = "".join([part["text"] for part in content])
        self._items.append({"type": "message", "role": role, "content": content})

    def _content(self, part: Part, role: str, where: str, *, in_result: bool = False) -> JsonObject | None:
        if self._lacking.lacks(part, where, in_result=in_result):
            return None
        if getattr(part, "cache", None) is not None:
            self._unmarked.append(where)
        match part:
            case Text(text=text) if role == "assistant":
                shown = [write_citation(citation, len(text)) for citation in part.citations]
                if None in shown:
                    self._lacking.drop(where, "a citation of something that is no web page")
                found = [annotation for annotation in shown if annotation is not None]
                return {"type": "output_text", "text": text, "annotations": found}
            case Text(text=text):
                if part.citations:
                    self._lacking.drop(where, "citations, which stand in the assistant's texts alone")
                return {"type": "input_text", "text": text}
            case Refusal(text=text) if role == "assistant":
                return {"type": "refusal", "refusal": text}
            case Refusal(text=text):
                return {"type": "input_text", "text": text}
            case Media():
                return self._media(part, where)
            case Opaque(wire=wire, value=value) if wire == NAME:
                return value  # type: ignore[no-any-return]
            case Opaque(wire=wire):
                self._lacking.drop(where, f"a block that only {format_of(wire)} understands")
            case Thinking():
                pass  # of the user's or the system's there is none
            case _:
                self._lacking.drop(where, f"a {type(part).__name__}")
        return None

    def _media(self, media: Media, where: str) -> JsonObject | None:
        family = media.media_type.partition("/")[0]
        match media.source:
            case FileRef(id=id) if not OPENAIS_FILE.match(id):
                self._lacking.drop(where, ELSEWHERE)
                return None
            case Url() if family == "audio":
                self._lacking.drop(where, "a link to audio, which must stand in the request")
                return None
            case Inline() if family == "audio" and audio_format(media.media_type) not in ("wav", "mp3"):
                self._lacking.drop(where, f"{media.media_type}: the format takes wav and mp3")
                return None
        plain = Media(media_type=media.media_type, source=media.source, name=media.name)
        out = write_media(plain)
        if out["type"] == "input_image":
            out["detail"] = "auto"
        elif "file_data" in out and "filename" not in out:
            out["filename"] = "document.pdf" if media.media_type == "application/pdf" else "document"
        return out

    def _thinking(self, part: Thinking, where: str) -> None:
        if "reasoning_history" in self._to.lacks:
            self._lacking.drop(where, "thinking of an earlier turn, which this target does not take back")
            return
        other = part.account and self._to.account and part.account != self._to.account
        if part.origin != NAME or part.signature is None or other:
            self._caveats.append(foreign_signature(where, "Thinking", part.origin))
            return
        id, encrypted = read_signature(part.signature)
        if not (encrypted or part.text):
            return  # an id alone points at what was not stored
        item: JsonObject = {"type": "reasoning", "summary": []}
        if id:
            item["id"] = id
        if encrypted:
            item["encrypted_content"] = encrypted
        if part.text and encrypted:
            item["summary"] = [{"type": "summary_text", "text": part.text}]
        elif part.text:  # who encrypts nothing told its reasoning itself
            item["content"] = [{"type": "reasoning_text", "text": part.text}]
        self._items.append(item)

    def _call(self, part: ToolCall, where: str) -> None:
        if part.runs_on == "provider":
            self._lacking.drop(where, f"the call of `{part.name}`, a tool that another provider ran")
            return
        if part.signature is not None:
            self._caveats.append(foreign_signature(where, f"The signature of the call of `{part.name}`", part.origin))
        if part.cache is not None:
            self._unmarked.append(where)
        id = fit_id(part.id)
        self._calls.add(id)
        arguments = part.arguments or "{}"
        self._items.append({"type": "function_call", "call_id": id, "name": part.name, "arguments": arguments})

    def _output(self, part: ToolResult, where: str) -> None:
        id = fit_id(part.call_id)
        if id not in self._calls:
            self._restore(id, part.call_id, where)
        if part.cache is not None:
            self._unmarked.append(where)
        if part.is_error:
            detail = "This format cannot mark a tool result as an error; its content is sent as it is."
            self._caveats.append(approximated(where, detail))
        written = [self._content(inner, "user", where, in_result=True) for inner in part.content]
        output: Json = [inner for inner in written if inner is not None]
        if all(inner["type"] == "input_text" for inner in output):
            output = "\n\n".join([inner["text"] for inner in output])
        self._items.append({"type": "function_call_output", "call_id": id, "output": output})

    def _restore(self, id: str, given: str, where: str) -> None:
        if not self._to.modify:
            raise BadRequestError(
                f"The tool result for `{given}` has no tool call before it - at `{where}`. Send the "
                f"assistant's message with that call ahead of it{OR_RESTORED}",
                param=where.removeprefix("$."),
            )
        self._calls.add(id)
        self._items.append({"type": "function_call", "call_id": id, "name": "unknown_tool", "arguments": "{}"})
        detail = f"The call that `{given}` answers was missing; one without arguments was put before it."
        self._caveats.append(Caveat(code="restored_turn", where=where, detail=detail))


def fit_id(id: str) -> str:
    return id if 0 < len(id) <= ID_CHARACTERS_MAX else made_id("call", id)
