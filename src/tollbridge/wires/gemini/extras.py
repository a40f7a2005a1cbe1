"""What other dialects' clients say beyond the neutral request, where Gemini has a word for it.

Clients of the chat format name Gemini's own fields too, in either spelling, as LiteLLM lets them
(https://docs.litellm.ai/docs/providers/gemini, seen 2026-11-26): those go out as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.gemini.vocabulary import approximated, fields

_OWN = frozenset(("safetySettings", "cachedContent", "labels"))
_OWN_CONFIG = frozenset(("responseModalities", "speechConfig", "mediaResolution", "imageConfig"))
_OUTPUT = frozenset(("responseMimeType", "responseSchema", "responseJsonSchema", "thinkingConfig"))
"""What chat has words for as well: what was said in those holds."""
_SERVICES = {"default": "standard", "flex": "flex", "priority": "priority", "standard": "standard"}


def write_extras(extra: JsonObject, body: JsonObject, config: JsonObject, caveats: list[Caveat]) -> None:
    """Puts what has a place into `body` and its `config`; a Caveat for the rest."""
    named: Mapping[str, Json] = {name: next(iter(fields({name: value}))) for name, value in extra.items()}
    for name, value in extra.items():
        own = named[name]
        if own in _OWN:
            body[own] = value
        elif own in _OUTPUT:
            config.setdefault(own, value)
        elif own in _OWN_CONFIG:
            config[own] = value
        elif name == "modalities" and isinstance(value, list):
            config["responseModalities"] = [str(kind).upper() for kind in value]
        elif name == "audio" and isinstance(value, dict) and isinstance(value.get("voice"), str):
            voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": value["voice"]}}}
            config["speechConfig"] = voice
            if value.get("format") not in (None, "pcm16"):
                caveats.append(approximated("audio", f"Gemini answers with PCM, not with {value['format']}"))
        elif name == "web_search_options":
            body["tools"] = [*body.get("tools", ()), {"googleSearch": {}}]
            if value:
                caveats.append(approximated(name, "Google Search is offered, without the options"))
        elif name == "service_tier" and isinstance(value, str) and value in _SERVICES:
            body["serviceTier"] = _SERVICES[value]
        elif name == "service_tier" and value in ("auto", None):
            continue
        else:
            caveats.append(unsent_field(name, "Gemini's format has no such parameter"))
