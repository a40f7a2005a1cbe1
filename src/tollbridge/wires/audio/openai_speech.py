"""OpenAI's speech.

    {"model", "input", "voice", "response_format", "speed", "instructions", "stream_format": "audio" | "sse"}

answers with the sound itself, as it is made, or with events: `speech.audio.delta`, `speech.audio.done` (usage).
https://platform.openai.com/docs/api-reference/audio/createSpeech (seen 2026-11-26)
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.tasks.speech import SpeechRequest, SpeechResponse
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import extras, set_fields
from tollbridge.wires.openai_task import OpenAITask, read_told
from tollbridge.wires.tap import Along
from tollbridge.wires.task import HEADLESS, Blob, Content, Heads, Task

NAME = "openai_speech"
SPEECH: Task[SpeechRequest, SpeechResponse] = Task("speech")
MEDIA_TYPES: Mapping[str, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


class OpenAISpeech(OpenAITask):
    name = NAME
    task = SPEECH
    raw = True
    streams = True  # of sound; nothing asks for events by `stream`

    def read_request(self, content: Content) -> Written[SpeechRequest]:
        if not isinstance(content, dict):
            raise BadRequestError("Speech is asked for in JSON.", code="invalid_json")
        known = dict(content)
        known.pop("model", None)
        text = known.pop("input", None)
        if not isinstance(text, str) or not text:
            raise BadRequestError("`input` must be a text that is not empty - at `$.input`.", param="input")
        voice = known.pop("voice", None)
        if isinstance(voice, dict):
            voice = voice.get("id")
        speed = known.pop("speed", None)
        if speed is not None and not isinstance(speed, int | float):
            raise BadRequestError("`speed` must be a number - at `$.speed`.", param="speed")
        said = {name: known.pop(name, None) for name in ("response_format", "instructions")}
        for name, value in {"voice": voice, **said}.items():
            if value is not None and not isinstance(value, str):
                raise BadRequestError(f"`{name}` must be a text - at `$.{name}`.", param=name)
        if known.get("stream_format") in (None, "audio"):
            known.pop("stream_format", None)
        return Written(
            SpeechRequest(
                text=text,
                voice=voice,
                format=said["response_format"],
                speed=speed,
                instructions=said["instructions"],
                origin=NAME,
                extra=known,
            )
        )

    def write_request(self, request: SpeechRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME)
        said = set_fields(
            voice=request.voice,
            response_format=request.format,
            speed=request.speed,
            instructions=request.instructions,
        )
        return Written({"model": to.model, "input": request.text, **said, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: SpeechRequest) -> SpeechResponse:
        if heads.media_type.startswith("application/json") or not body:
            read_told(body)
            raise BadGatewayError("The provider's answer is not the sound that its format promises.")
        return SpeechResponse(audio=body, media_type=heads.media_type, origin=NAME)

    def write_response(self, answer: SpeechResponse, asked: SpeechRequest) -> Written[JsonObject | Blob]:
        return Written(Blob(answer.audio, answer.media_type))

    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        """Of one that came whole, which is no sound."""
        read_told(body)
        raise BadGatewayError("The provider's answer is not the sound that its format promises.")


def media_type(format: Json) -> str:
    return MEDIA_TYPES.get(format or "mp3", "application/octet-stream")


OPENAI_SPEECH = OpenAISpeech()
