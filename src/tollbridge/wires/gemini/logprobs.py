"""`logprobsResult` <-> OpenAI's logprobs object, which is what the neutral model holds.

{"chosenCandidates": [{token, tokenId, logProbability}], "topCandidates": [{"candidates": [...]}]}
{"content": [{"token", "logprob", "bytes", "top_logprobs": [...]}]}
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.gemini.vocabulary import fields


def read_logprobs(value: Json) -> JsonObject | None:
    if value.__class__ is not dict:
        return None
    said = fields(value)
    chosen, top = said.get("chosenCandidates") or [], said.get("topCandidates") or []
    content = []
    for index, token in enumerate(chosen):
        others = fields(top[index]).get("candidates") or [] if index < len(top) else []
        content.append({**_token(token), "top_logprobs": [_token(other) for other in others]})
    return {"content": content}


def _token(value: Json) -> JsonObject:
    said = fields(value)
    token = said.get("token") or ""
    return {"token": token, "logprob": said.get("logProbability", 0.0), "bytes": list(token.encode())}


def write_logprobs(value: Json) -> JsonObject | None:
    """None where `value` has another shape than OpenAI's."""
    content = value.get("content") if value.__class__ is dict else None
    if content.__class__ is not list:
        return None
    said: JsonObject = {"chosenCandidates": [_candidate(token) for token in content]}
    if any(token.get("top_logprobs") for token in content):
        said["topCandidates"] = [
            {"candidates": [_candidate(other) for other in token.get("top_logprobs") or []]} for token in content
        ]
    return said


def _candidate(token: JsonObject) -> JsonObject:
    return {"token": token.get("token", ""), "logProbability": token.get("logprob", 0.0)}


def joined(old: Json, new: Json) -> Json:
    """What a stream tells, piece by piece: one list after the other."""
    if old.__class__ is not dict or new.__class__ is not dict:
        return new
    return {
        **old,
        **{key: [*old[key], *value] if isinstance(old.get(key), list) else value for key, value in new.items()},
    }
