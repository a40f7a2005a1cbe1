"""`model_info`: free-form, but for the fields that something here goes by.

What cannot be used serves all the same: a warning, and it is left out. A number or a truth value may be text, as
everywhere (`kinds`). `base_model` decides what is asked and what it costs: there a wrong one is an error.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.catalog.facts import INFO_FEATURES
from tollbridge.config.document import Node, Scalar, Table
from tollbridge.config.findings import Findings
from tollbridge.config.kinds import At, Kind, anything_table, count, flag, text, texts
from tollbridge.config.schema import nearest
from tollbridge.model.json import JsonObject

_MODES = """chat completion responses embedding image_generation image_edit video_generation audio_transcription
audio_speech moderation rerank realtime search ocr vector_store batch guardrail evaluation decisions extraction"""
MODES = frozenset(_MODES.split())
"""Words of LiteLLM's price map (2026-11-27), and `batch` of its health checks."""
UNUSED = "it is left out"


def model_info(node: Node, at: At) -> JsonObject:
    info = anything_table(node, at)
    for name, entry in node.entries.items() if isinstance(node, Table) else ():
        kind = _KINDS.get(name)
        if info.get(name) is None or kind is None:
            continue
        tried = Findings()
        value = kind(entry.node, At("", tried))
        if not tried.errors:
            info[name] = value
            continue
        for finding in tried.all():
            at.key(name).warning(entry.node.place, f"{finding.message}; {UNUSED}")
        del info[name]
    if isinstance(node, Table):
        _base_model(node, at)
    return info


def _base_model(node: Table, at: At) -> None:
    entry = node.entries.get("base_model")
    match None if entry is None else entry.node:
        case None | Scalar(None | str()):
            return
        case said:
            at.key("base_model").expected("a model's name, such as `gpt-4o`", said)


def _names(node: Node, at: At) -> list[str]:
    return list(texts(node, at))


def _tokens(node: Node, at: At) -> int:
    found = count(node, at)
    if not (found or at.findings.errors):
        at.error(node.place, "must be greater than 0")
    return found


def _mode(node: Node, at: At) -> str:
    said = text(node, at)
    if said not in MODES and not at.findings.errors:
        near = nearest(said, MODES)
        at.error(node.place, f"{said!r} is no mode that is known" + (f"; did you mean `{near}`?" if near else ""))
    return said


_KINDS: Mapping[str, Kind] = {
    "access_groups": _names,
    "id": text,
    "max_input_tokens": _tokens,
    "max_output_tokens": _tokens,
    "mode": _mode,
    **dict.fromkeys(INFO_FEATURES, flag),
}
