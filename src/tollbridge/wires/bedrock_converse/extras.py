"""Fields of Converse itself, which a client of any dialect may name: they go where the format has them.

LiteLLM's spellings are its users': `guardrailConfig`, `performanceConfig`, `requestMetadata`, `serviceTier`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.bedrock_converse.vocabulary import approximated

OWN = frozenset(
    {"guardrailConfig", "performanceConfig", "requestMetadata", "serviceTier", "promptVariables"}
    | {"additionalModelResponseFieldPaths"}
)
_MERGED = frozenset({"additionalModelRequestFields", "outputConfig", "inferenceConfig"})
_MODELS = frozenset({"anthropic_beta", "reasoning_config", "reasoningConfig"})
"""Fields of a model's own, which go to it as they are."""
_TIERS: Mapping[str, str] = {"default": "default", "priority": "priority", "flex": "flex", "reserved": "reserved"}
_OTHERS_TIERS = ("auto", "standard_only")
"""Words of other formats for what nobody has to say here."""
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_METADATA_MAX = 16


def write_extras(
    extra: Mapping[str, Json], metadata: Json, body: JsonObject, additional: JsonObject, caveats: list[Caveat]
) -> None:
    """`body` and `additional` (`additionalModelRequestFields`) are changed in place."""
    for name, value in extra.items():
        if name in OWN:
            body[name] = value
        elif name in _MERGED and isinstance(value, dict):
            _merge(additional if name == "additionalModelRequestFields" else body.setdefault(name, {}), value)
        elif name in _MODELS:
            additional.setdefault(name, value)
        elif name == "service_tier":
            _write_tier(value, body, caveats)
        else:
            caveats.append(unsent_field(name, "the Converse format has no such parameter"))
    if metadata:
        _write_metadata(metadata, body, caveats)


def _merge(into: JsonObject, said: JsonObject) -> None:
    """What the client says in Converse's own words goes before what was made of another's."""
    for key, value in said.items():
        held = into.get(key)
        into[key] = {**held, **value} if isinstance(held, dict) and isinstance(value, dict) else value


def _write_tier(value: Json, body: JsonObject, caveats: list[Caveat]) -> None:
    tier = _TIERS.get(value) if isinstance(value, str) else None
    if tier is not None:
        body.setdefault("serviceTier", {"type": tier})
    elif value is not None and value not in _OTHERS_TIERS:
        caveats.append(unsent_field("service_tier", f"this service has no tier {value!r}"))


def _write_metadata(metadata: Json, body: JsonObject, caveats: list[Caveat]) -> None:
    """It is kept with the request in the account's log of invocations."""
    pairs = metadata if isinstance(metadata, dict) else {}
    kept = {key: value for key, value in pairs.items() if isinstance(value, str) and _fits(key) and _fits(value)}
    kept = dict(list(kept.items())[:_METADATA_MAX])
    if kept:
        body.setdefault("requestMetadata", kept)
    if len(kept) < len(pairs) or not pairs:
        caveats.append(approximated("metadata", f"{len(kept)} of {len(pairs)} pairs are fit to be kept with a request"))


def _fits(text: str) -> bool:
    return bool(text) and _METADATA.fullmatch(text) is not None
