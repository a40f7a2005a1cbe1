"""A deployment as it is for a task: the same model, key and prices, at another path and in another format."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import cast

import msgspec

from tollbridge.calls.build import Wanted, deployed, priced_as
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.task_wires import provider_task_wire
from tollbridge.catalog.facts import ModelFacts
from tollbridge.catalog.unit_pricing import TASK_MODES
from tollbridge.errors import BadRequestError
from tollbridge.providers.listing import without_mode
from tollbridge.providers.names import locate
from tollbridge.providers.resolve import resolve
from tollbridge.providers.row import Provider
from tollbridge.providers.tasks import for_task, spoken
from tollbridge.wires.base import ProviderWire

MODES: Mapping[str, frozenset[str]] = {
    "embeddings": frozenset({"embedding"}),
    "completions": frozenset({"completion"}),
    "rerank": frozenset({"rerank"}),
    "moderations": frozenset({"moderation"}),
    "speech": frozenset({"audio_speech"}),
    "transcriptions": frozenset({"audio_transcription"}),
    "translations": frozenset({"audio_transcription"}),
    "images": frozenset({"image_generation", "image_edit"}),
    "image_edits": frozenset({"image_generation", "image_edit"}),
}
"""What the catalog calls models that can do it."""
WHAT: Mapping[str, str] = {
    "embeddings": "gives no embeddings",
    "completions": "continues no texts",
    "rerank": "ranks no documents",
    "moderations": "judges no texts",
    "speech": "does not speak",
    "transcriptions": "writes no speech down",
    "translations": "translates no speech",
    "images": "makes no images",
    "image_edits": "changes no images",
}


def build_task(wanted: Wanted, task: str, environ: Mapping[str, str], rows: Mapping[str, Provider]) -> Deployment:
    """Raises BadRequestError where this model does not do it, and what `build` raises."""
    row, name = locate(wanted.model, rows, provider=wanted.provider, api_base=wanted.given.api_base)
    talks_in, model = without_mode(name)
    known, prices = priced_as(row, model, wanted)
    how = spoken(row, task, model)
    converses = task == "completions" and talks_in is not None
    if how is None or converses or not (how.any_model or _can(known, task)):
        raise BadRequestError(
            f"The model {wanted.asked_as or wanted.group!r} {WHAT[task]} here: choose one that does.",
            param="model",
            code="unsupported_endpoint",
        )
    address = wanted.given.api_base or next((environ[name] for name in row.base_env if environ.get(name)), None)
    given = wanted.given
    if address is not None:
        given = msgspec.structs.replace(given, api_base=_stripped(address, how.strips))
    spoken_at = {} if how.beside else {row.name: for_task(row, how, own_address=address is not None)}
    location = resolve(
        f"{row.name}/{model}",  # an alias of the row's before it would be taken for a part of the name
        custom_llm_provider=row.name,
        given=given,
        environ=environ,
        rows=ChainMap(spoken_at, cast(dict[str, Provider], rows)),
    )
    if how.beside:
        chat, beside = how.beside
        provider = for_task(location.provider, how, own_address=address is not None)
        path = location.path.removesuffix(chat) + beside
        location = msgspec.structs.replace(location, provider=provider, path=path, stream_path="")
    mine = task == "completions" or (known is not None and known.mode in TASK_MODES)
    wire = cast(ProviderWire, provider_task_wire(how.wire))  # as `wires.task` has it: who asks for a task knows
    return deployed(location, wanted, known, prices, {}, wire, wanted.defaults if mine else {})


def _can(known: ModelFacts | None, task: str) -> bool:
    """What nobody knows may do anything; so may a model that makes images in a chat."""
    if known is None or not known.mode or known.mode in MODES[task]:
        return True
    return task in ("images", "image_edits") and "image_output" in known.prices


def _stripped(address: str, ends: tuple[str, ...]) -> str:
    bare = address.rstrip("/")
    return next((bare.removesuffix(end) for end in ends if bare.endswith(end)), address)
