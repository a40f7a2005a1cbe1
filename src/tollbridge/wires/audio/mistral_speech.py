"""Mistral's speech: OpenAI's request, and an answer in JSON.

    {"model", "input", "voice", "response_format"}  ->  {"audio_data": base64}

https://docs.mistral.ai/api (seen 2026-11-26), and a recorded exchange.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.tasks.speech import SpeechRequest, SpeechResponse
from tollbridge.wires.audio.openai_speech import SPEECH, media_type
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import OneWay, dropped, extras, set_fields
from tollbridge.wires.openai_task import read_usage
from tollbridge.wires.task import Content, Heads, json_of, read_as

NAME = "mistral_speech"
KNOWN = {name: name for name in ("voice_id", "ref_audio")}


class _Answer(msgspec.Struct):
    audio_data: str
    usage: Any = None


class MistralSpeech(OneWay):
    name = NAME
    task = SPEECH

    def write_request(self, request: SpeechRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, KNOWN)
        for name, value in (("speed", request.speed), ("instructions", request.instructions)):
            if value is not None:
                caveats = (*caveats, dropped(name))
        said = set_fields(voice=request.voice, response_format=request.format)
        return Written({"model": to.model, "input": request.text, **said, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: SpeechRequest) -> SpeechResponse:
        answer = read_as(_Answer, json_of(body))
        try:
            audio = base64.b64decode(answer.audio_data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadGatewayError("The provider's answer is not the sound that its format promises.") from error
        return SpeechResponse(
            audio=audio, media_type=media_type(asked.format), usage=read_usage(answer.usage, NAME), origin=NAME
        )


MISTRAL_SPEECH = MistralSpeech()
