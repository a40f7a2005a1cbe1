"""Amazon Polly, speaking. The model is the engine: `standard`, `neural`, `long-form`, `generative`.

    POST /v1/speech
    {"Engine", "VoiceId", "OutputFormat", "Text", "TextType", "LanguageCode", "LexiconNames", "SampleRate"}
    ->  the sound, and how many characters are billed: `x-amzn-requestcharacters`

A text that begins with `<speak>` is SSML, as LiteLLM has it.

https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html (seen 2026-11-27)
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping

from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.model.json import Json
from tollbridge.model.response import CHARACTERS, Caveat, Usage
from tollbridge.model.tasks.speech import SpeechRequest, SpeechResponse
from tollbridge.wires.audio.openai_speech import SPEECH, media_type
from tollbridge.wires.base import Target, Written
from tollbridge.wires.one_way import OneWay, dropped, extras
from tollbridge.wires.openai_task import read_told
from tollbridge.wires.task import Content, Heads

NAME = "polly_speech"
FORMATS: Mapping[str, str] = {"mp3": "mp3", "opus": "ogg_opus", "pcm": "pcm", "wav": "pcm"}
"""OpenAI's words for them; what Polly gives as PCM is put into a WAV here."""
PCM_RATE = 16_000
VOICES: Mapping[str, str] = {
    "alloy": "Joanna",
    "echo": "Matthew",
    "fable": "Amy",
    "onyx": "Brian",
    "nova": "Ivy",
    "shimmer": "Kendra",
}
"""Voices of OpenAI's, and those that LiteLLM gives for them; any other name is Polly's."""
SPEAKS: Mapping[str, str] = {
    "language_code": "LanguageCode",
    "lexicon_names": "LexiconNames",
    "sample_rate": "SampleRate",
    "LanguageCode": "LanguageCode",
    "LexiconNames": "LexiconNames",
    "SampleRate": "SampleRate",
}
CHARACTERS_HEADER = "x-amzn-requestcharacters"
_SLOW_PCM = Caveat(
    code="approximated",
    where="$.response_format",
    detail="Polly's PCM has 16,000 samples a second, OpenAI's 24,000",
)
_VOICE = re.compile(r"[A-Za-z]{1,40}")


class PollySpeech(OneWay):
    name = NAME
    task = SPEECH

    def write_request(self, request: SpeechRequest, to: Target) -> Written[Content]:
        fields, caveats = extras(request, NAME, SPEAKS)
        voice = VOICES.get(request.voice or "", request.voice or "")
        if not _VOICE.fullmatch(voice):
            raise BadRequestError(
                "`voice` must be one of Polly's, or a voice of OpenAI's - at `$.voice`.", param="voice"
            )
        format = request.format or "mp3"
        if format not in FORMATS:
            raise BadRequestError(
                f"Polly speaks in no {format[:20]}: ask for mp3, opus, pcm or wav - at `$.response_format`.",
                param="response_format",
            )
        if format == "pcm" and "SampleRate" not in fields:
            caveats = (*caveats, _SLOW_PCM)
        for name in ("speed", "instructions"):
            if getattr(request, name) is not None:
                caveats = (*caveats, dropped(name))
        rate = fields.get("SampleRate")
        if rate.__class__ is int or (isinstance(rate, float) and rate.is_integer()):
            fields["SampleRate"] = str(int(rate))  # texts, in this API
        said = {"Engine": to.model, "VoiceId": voice, "OutputFormat": FORMATS[format], "Text": request.text}
        kind = "ssml" if request.text.lstrip().startswith("<speak") else "text"
        return Written({**said, "TextType": kind, **fields}, caveats)

    def read_response(self, body: bytes, heads: Heads, asked: SpeechRequest) -> SpeechResponse:
        if heads.media_type.startswith("application/json") or not body:
            read_told(body)
            raise BadGatewayError("The provider's answer is not the sound that its format promises.")
        kind = heads.media_type if heads.media_type.startswith("audio/") else media_type(asked.format)
        if asked.format == "wav" and heads.sent.get("OutputFormat") == FORMATS["wav"]:
            body, kind = _wav(body, _rate(heads.sent)), media_type("wav")
        counted = heads.headers.get(CHARACTERS_HEADER, "")
        usage = Usage(units={CHARACTERS: int(counted)}) if re.fullmatch(r"[0-9]{1,9}", counted) else None
        return SpeechResponse(audio=body, media_type=kind, usage=usage, origin=NAME)


def _rate(sent: Mapping[str, Json]) -> int:
    said = str(sent.get("SampleRate"))
    return int(said) if re.fullmatch(r"[0-9]{1,6}", said) else PCM_RATE


def _wav(pcm: bytes, rate: int) -> bytes:
    """Mono, of signed 16-bit samples (http://soundfile.sapp.org/doc/WaveFormat/)."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    data = struct.pack("<4sI", b"data", len(pcm))
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data) + len(pcm), b"WAVE") + form + data + pcm


POLLY_SPEECH = PollySpeech()
