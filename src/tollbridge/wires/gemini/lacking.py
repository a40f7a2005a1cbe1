"""What a target lacks (`base.FEATURES`) leaves the finished body, with a Caveat for each thing."""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.gemini.vocabulary import approximated

_TOP = (("tools", "tools"), ("tools", "toolConfig"), ("tool_choice", "toolConfig"), ("metadata", "labels"))
_IN_CONFIG = (
    ("max_tokens", "maxOutputTokens"),
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("stop", "stopSequences"),
    ("seed", "seed"),
    ("frequency_penalty", "frequencyPenalty"),
    ("presence_penalty", "presencePenalty"),
    ("choices", "candidateCount"),
    ("logprobs", "responseLogprobs"),
    ("top_logprobs", "logprobs"),
    ("reasoning", "thinkingConfig"),
    ("response_schema", "responseSchema"),
    ("response_schema", "responseJsonSchema"),
    ("response_json", "responseMimeType"),
)
"""A feature's word, and the field that says it."""


def leave_out(body: JsonObject, lacks: frozenset[str], caveats: list[Caveat]) -> None:
    """`body` is changed in place; what is shared with the client's body is copied first."""
    for feature, field in _TOP:
        if feature in lacks and field in body:
            del body[field]
            caveats.append(unsent_field(field, "this target lacks it"))
    config = body.get("generationConfig")
    if isinstance(config, dict):
        gone = [field for feature, field in _IN_CONFIG if feature in lacks and field in config]
        caveats += [unsent_field(f"generationConfig.{field}", "this target lacks it") for field in gone]
        rest = {key: value for key, value in config.items() if key not in gone}
        if gone and not rest:
            del body["generationConfig"]
        elif gone:
            body["generationConfig"] = rest
    if "system" in lacks and body.get("systemInstruction"):
        said = body.pop("systemInstruction")
        parts = [{"text": said}] if isinstance(said, str) else said["parts"]
        body["contents"] = [{"role": "user", "parts": parts}, *body["contents"]]
        how = "this target takes no system prompt; its text stands before the first user message"
        caveats.append(approximated("systemInstruction", how))
