"""Facts about models: what they take, what they can do, what they cost. Dated data, read at first use.

`models.json.gz` is made by `scripts/build_catalog.py` and names its sources and date. Only its outline is decoded at
once; the names of a provider's models with the first that is asked for, and each row when it is asked for. A name is
looked up as it is given; then, one after another, without

    an account's own part     ft:gpt-4o-2024-08-06:acme::x1   -> gpt-4o-2024-08-06
    a region                  us.anthropic.claude..., eu/gpt-4o
    a version                 -2026-04-23, -20250929, @20250929, -latest, :free

A fact that is not here is unknown, never guessed: None, and no feature.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

import msgspec

from tollbridge.model.json import Json

NAME_MAX = 256
LISTED_BY = ("litellm", "genai-prices", "both", "both, and they differ")


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`mode`: chat, embedding, responses, ... `max_input_tokens`, `max_output_tokens`: None where unknown.
    `features`: what it can do; `lacks`: what it is known not to do; both in the words of `Catalog.words`. `prices`:
    nano-dollars per million units, by `class[>tokens][@service]` (the grammar is in `price_names`); an absent class is
    unknown, 0 is free. `source`: the page of the vendor that the prices are from, "" where the list does not say;
    `listed_by`: which lists have them, a word of `LISTED_BY`."""

    provider: str
    name: str
    mode: str = ""
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    features: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    prices: Mapping[str, int] = {}
    source: str = ""
    listed_by: str = ""


class _Row(msgspec.Struct, array_like=True, frozen=True):
    mode: str
    max_input_tokens: int | None
    max_output_tokens: int | None
    features: int
    lacks: int
    prices: dict[str, int]
    source: int
    listed_by: int


class _File(msgspec.Struct, frozen=True):
    source: str
    date: str
    features: tuple[str, ...]
    sources: tuple[str, ...]
    models: dict[str, msgspec.Raw]
    bare: dict[str, str]


class Catalog:
    """One table of models. `source`, `date`: where it is from; `words`: the names of features that it uses."""

    def __init__(self, packed: bytes) -> None:
        file = msgspec.json.decode(gzip.decompress(packed), type=_File)
        self.source = file.source
        self.date = file.date
        self.words = file.features
        self._sources = file.sources
        self._models = file.models
        self._bare = file.bare
        self._rows: dict[str, Mapping[str, msgspec.Raw]] = {}
        self._sets: dict[int, frozenset[str]] = {}

    def facts(self, provider: str, model: str) -> ModelFacts | None:
        rows = self._rows.get(provider)
        if rows is None:
            if provider not in self._models:
                return None
            rows = self._rows[provider] = self._rows_of(provider)
        for name in _forms(model):
            raw = rows.get(name)
            if raw is not None:
                return self._decoded(provider, name, raw)
        return None

    def provider_of(self, model: str) -> str | None:
        """Who serves a model that is named without a provider."""
        for name in _forms(model):
            provider = self._bare.get(name)
            if provider is not None:
                return provider
        return None

    def full_names(self) -> Iterator[str]:
        """`provider/model` of each."""
        return (f"{provider}/{name}" for provider in self._models for name in self._rows_of(provider))

    def names(self) -> Iterator[str]:
        """All names: `provider/model`, and the bare ones."""
        yield from self.full_names()
        yield from self._bare

    def names_of(self, provider: str) -> tuple[str, ...]:
        """Of its models, as it calls them. Nobody else's are read for it."""
        return tuple(self._rows_of(provider)) if provider in self._models else ()

    def _rows_of(self, provider: str) -> Mapping[str, msgspec.Raw]:
        return msgspec.json.decode(self._models[provider], type=dict[str, msgspec.Raw])

    def _decoded(self, provider: str, name: str, raw: msgspec.Raw) -> ModelFacts:
        row = msgspec.json.decode(raw, type=_Row)
        return ModelFacts(
            provider=provider,
            name=name,
            mode=row.mode,
            max_input_tokens=row.max_input_tokens,
            max_output_tokens=row.max_output_tokens,
            features=self._set(row.features),
            lacks=self._set(row.lacks),
            prices=row.prices,
            source=self._sources[row.source],
            listed_by=LISTED_BY[row.listed_by],
        )

    def _set(self, bits: int) -> frozenset[str]:
        found = self._sets.get(bits)
        if found is None:
            found = frozenset(word for i, word in enumerate(self.words) if bits >> i & 1)
            self._sets[bits] = found
        return found


@cache
def catalog() -> Catalog:
    """The packaged catalog: a constant that is read when first needed."""
    return Catalog((resources.files(__package__) / "models.json.gz").read_bytes())


def facts(provider: str, model: str) -> ModelFacts | None:
    """What is known of a provider's model; None where it is not in the catalog."""
    return catalog().facts(provider, model)


_FINE_TUNED = re.compile(r"(ft:[^:]+):.*", re.DOTALL)
_REGION = re.compile(
    r"^(?:(?:us|eu|apac|global|jp|au|ca|in|us-gov|sa)\.|(?:us|eu|global(?:-standard)?|data-zone)/)(?=.)"
)
_VERSION = re.compile(r"(?:[-@](?:20\d{6}|20\d\d-\d\d-\d\d|latest)|:[a-z]+)$")


def _forms(model: str) -> Iterator[str]:
    """The names to look up, from the exact one to the least exact. At most a few; a name of absurd length has none."""
    if not model or len(model) > NAME_MAX:
        return
    seen = {model}
    yield model
    form = model
    for plainer in (
        str.lower,
        lambda name: _FINE_TUNED.sub(r"\1", name),
        lambda name: _REGION.sub("", name, count=1),
        lambda name: _VERSION.sub("", name),
        lambda name: name.removeprefix("ft:"),
        lambda name: _VERSION.sub("", name),
    ):
        form = plainer(form)
        if form not in seen:
            seen.add(form)
            yield form


INFO_FEATURES: Mapping[str, str] = {
    "supports_function_calling": "tools",
    "supports_parallel_function_calling": "parallel_tools",
    "supports_tool_choice": "tool_choice",
    "supports_vision": "vision",
    "supports_pdf_input": "pdf",
    "supports_audio_input": "audio_input",
    "supports_audio_output": "audio_output",
    "supports_video_input": "video",
    "supports_reasoning": "reasoning",
    "supports_response_schema": "response_schema",
    "supports_prompt_caching": "prompt_caching",
    "supports_system_messages": "system",
    "supports_assistant_prefill": "prefill",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
    "supports_url_context": "url_context",
}
"""LiteLLM's names in `model_info`, by ours."""


def with_info(known: ModelFacts | None, info: Mapping[str, Json], provider: str, model: str) -> ModelFacts | None:
    """Facts with the operator's `model_info` over them; None where neither says anything. Values of a wrong type are
    passed over: the config's own check names them."""
    changes: dict[str, Json] = {}
    for field in ("max_input_tokens", "max_output_tokens"):
        value = info.get(field)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            changes[field] = value
    if isinstance(info.get("mode"), str):
        changes["mode"] = info["mode"]
    base = known or ModelFacts(provider=provider, name=model)
    has = {word for field, word in INFO_FEATURES.items() if info.get(field) is True}
    denied = {word for field, word in INFO_FEATURES.items() if info.get(field) is False}
    if has or denied:
        changes["features"] = (base.features | has) - denied
        changes["lacks"] = (base.lacks | denied) - has
    return msgspec.structs.replace(base, **changes) if changes else known
