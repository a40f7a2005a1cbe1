"""What a request may use and cost at most, before anybody is asked. Without decoding its messages: from the size of the
body, its top-level fields, and what is known of the deployments that may answer (`routing.reach`).

Input, for money: a token is at least one byte of the body, however it is spelled. A medium may be many tokens in few
bytes (a link), so each is worth `MEDIUM_TOKENS` more, and what a provider writes around a prompt (a system prompt, that
of tools) `AROUND_TOKENS`. A tool that the provider runs reads what it likes, and is taken for one medium. Nobody takes
more than its context window. What searches cost by the piece is in no bound: where nothing else costs anything, the
price is unknown.

Output: the largest of all the fields that have ever meant it, times the number of answers; what the operator forces
comes before it, and where nothing was said the operator's default, or what the model can. Nobody gives more than that.
A limit below 1 is none: to llama.cpp and its kin -1 is as much as they like. A prediction is paid for where it is
rejected.

Price: that of the dearest deployment, at the service that was asked for; of one that is paid by the second, for as
long as it is waited for. Those without a price, or waited for without end, do not count; where there are no others, or
the others are free, it is unknown.

Other models that it names (`other_models`): who answers in the place of another may be the dearest of them, and the
dearest of those that have a part in an answer comes besides. One without a price counts as the one that is asked.

Tokens a minute are another matter: there a likely number will do, because it is settled within seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.catalog.parts import PLAIN_SERVICES
from tollbridge.server.other_models import FIELDS as NAMING
from tollbridge.server.other_models import Named, named

OUTPUT_FIELDS = (
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
    "max_tokens_to_sample",
    "num_predict",
    "n_predict",
    "maxOutputTokens",
)
CHOICES_FIELDS = ("n", "best_of", "candidate_count", "candidateCount")
SETTINGS_FIELDS = ("generationConfig", "generation_config")
"""Where a format has such fields one level deeper."""
SERVICE_FIELDS = ("service_tier", "serviceTier", "speed", "inference_geo")
_OUTPUT, _CHOICES, _SERVICE = map(frozenset, (OUTPUT_FIELDS, CHOICES_FIELDS, SERVICE_FIELDS))
_DIGITS_MAX = 9
_PLAIN_WORDS = PLAIN_SERVICES | {"null", "global"}

MEDIA = (
    *("image_url", "image", "input_image", "input_audio", "audio_url", "file", "input_file", "document"),
    *("video_url", "video", "container_upload"),
)
"""The types of parts with a medium, in any dialect."""
_TYPE = b'"type"'
_MEDIUM = re.compile(_TYPE + rb'\s*:\s*"(?:' + "|".join(MEDIA).encode() + rb')"')
_TOOL = re.compile(
    _TYPE + rb'\s*:\s*"(?:\w+_20\d{6}"|web_|code_|file_search|url_context|image_generation|mcp|openrouter:)'
)
_KEYED_MEDIUM = re.compile(rb'"(?:inline|file)_?[dD]ata"\s*:')
_KEYED_TOOL = re.compile(
    rb'"(?:google_?[sS]earch|google_?[mM]aps|code_?[eE]xecution|url_?[cC]ontext|file_?[sS]earch|computer_?[uU]se'
    rb'|enterprise_?[wW]eb_?[sS]earch|retrieval|mcp_?[sS]ervers|exa|parallel)\w*"\s*:'
)
"""The same in a format that names the kind by the key. (https://ai.google.dev/api/caching#Tool, seen 2026-11-26)"""
_CACHES = frozenset({"cachedContent", "cached_content"})
_SEARCHES = frozenset(
    {
        *("web_search_options", "search_parameters", "search_settings", "enable_search", "plugins"),
        *("search_domain_filter", "search_recency_filter", "search_after_date_filter", "search_before_date_filter"),
        *("last_updated_after_filter", "last_updated_before_filter", "num_search_results"),
        *("mcp_servers", "container"),
    }
)
"""Types of tools, and fields, by which a provider reads on its own. (Anthropic's tools have a date behind the name.)"""
_KEPT = frozenset({"previous_response_id", "conversation", "prompt"})
"""Fields that point at what the provider keeps, which it reads too: as much as a context window holds."""
KEPT_TOKENS = 1_000_000
_SPECIAL = frozenset().union(SETTINGS_FIELDS, _CHOICES, _SERVICE, _CACHES, _SEARCHES, _KEPT, NAMING, {"prediction"})
"""Who has none of these asks for one answer to what stands in the body, at the plain price."""
_INLINE = (b";base64,", b'"data":')
_ESCAPE, _BACKSLASH = b"\\u00", ord("\\")
_LETTERS = (b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""Letters that are spelled as escapes, which no encoder does, could hide a type: each counts as a medium."""

CACHED_TOKENS = 1_048_576
"""A prompt that was stored before may fill a whole context window."""
MEDIUM_TOKENS = 50_000
"""https://platform.openai.com/docs/guides/images-vision, seen 2026-11-25: gpt-4o-mini takes 2,833 and 5,667 for each of
at most 8 tiles."""
AROUND_TOKENS = 1_500
"""Tools at Anthropic: 346 to 530 (https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview, seen 2026-11-25).
Of the recorded exchanges that no tool of the provider read for, the one with the most has 520 more than bytes."""
OUTPUT_TOKENS = 16_384
"""Of a model whose limit nobody knows."""
LIKELY_OUTPUT_TOKENS = 1_000
"""Where neither the request nor its key says how much."""
LIKELY_MEDIUM_TOKENS = 1_000
BYTES_PER_TOKEN = 4
NUMBER_MAX = 1_000_000_000

Fields = Mapping[str, msgspec.Raw]


class Worst(msgspec.Struct, frozen=True):
    """`tokens`: input and output, as a limit a minute reserves them. `nanousd`: the price at most; None: unknown."""

    tokens: int = 0
    nanousd: int | None = 0


_NOTHING = Worst()


def worst_case(
    ask: Ask, deployments: Sequence[Deployment], *, priced: bool, counted: bool, output: int | None = None
) -> Worst:
    """`deployments`: all that may answer. `priced`, `counted`: whether somebody asks for the price, for the tokens.
    `output`: the key's default, where the request does not say how much it wants."""
    if not priced and not counted:
        return _NOTHING
    bounds = Bounds(ask)
    return Worst(
        bounds.likely_tokens(deployments, output) if counted else 0, bounds.price(deployments) if priced else 0
    )


class Bounds:
    """One request's. Its body is looked through once, for both questions, and its fields are read once, for all
    deployments to which nothing is added by the operator."""

    __slots__ = ("_ask", "_asked", "_choices", "_endless", "_fields", "_hidden", "_keyed", "_media", "_named", "_plain")

    def __init__(self, ask: Ask) -> None:
        body = ask.body
        self._ask = ask
        self._keyed = ask.dialect.in_path
        self._media = len(_MEDIUM.findall(body)) if body.find(_TYPE) >= 0 else 0
        if self._keyed:
            self._media += len(_KEYED_MEDIUM.findall(body))
        self._hidden = sum(map(body.count, _LETTERS)) if _BACKSLASH in body and body.find(_ESCAPE) >= 0 else 0
        self._plain = _SPECIAL.isdisjoint(ask.fields)
        self._fields = ask.fields if self._plain else _with_settings(ask.fields)
        self._asked, self._endless = _limit(self._fields)
        self._choices = 1 if self._plain else _choices(self._fields)
        self._named: tuple[Named, ...] | None = () if self._plain else None

    def price(self, deployments: Iterable[Deployment]) -> int | None:
        """Nano-dollars at most, or None where it is unknown."""
        fields, size = self._ask.fields, self.input_tokens()
        predicted = len(bytes(fields["prediction"])) if "prediction" in fields else 0
        dearest, unknown = 0, False
        for deployment in deployments:
            limit = None if deployment.facts is None else deployment.facts.max_input_tokens
            into = size if limit is None or limit > size else limit
            out = self.output_tokens(deployment) + predicted
            if self._plain and not (deployment.forced_raw or deployment.defaults_raw or deployment.tariff.timed):
                worst = deployment.tariff.worst(into, out)
            else:
                worst = _price(deployment, into, out, self._ask)
                if worst is not None and (others := self._others(deployment)):
                    worst = _with_others(worst, deployment, others, size, out)
            if worst is None:
                unknown = True
            elif worst > dearest:
                dearest = worst
        return None if unknown and not dearest else dearest

    def _others(self, deployment: Deployment) -> tuple[Named, ...]:
        """Whom the request names, with the operator's fields in it."""
        forced, defaults = deployment.forced_raw, deployment.defaults_raw
        if not (NAMING.isdisjoint(forced) and NAMING.isdisjoint(defaults)):
            return named({**defaults, **self._ask.fields, **forced})
        if self._named is None:
            self._named = named(self._ask.fields)
        return self._named

    def likely_tokens(self, deployments: Sequence[Deployment], output: int | None = None) -> int:
        """Input and output together, as a limit a minute reserves them. `output`: the key's default where the request
        does not say how much it wants."""
        body, asked = self._ask.body, self._asked
        text = len(body) - _inline_bytes(body) if self._media else len(body)
        if asked is None:
            asked = LIKELY_OUTPUT_TOKENS if output is None else output
        most = deployments[0].target.max_output_tokens if len(deployments) == 1 else _most_output(deployments)
        if most is not None and most < asked:
            asked = most
        return text // BYTES_PER_TOKEN + self._media * LIKELY_MEDIUM_TOKENS + asked * self._choices

    def input_tokens(self) -> int:
        """At most, whatever the model's window."""
        fields, media = self._ask.fields, self._media + self._hidden
        if self._plain:
            return len(self._ask.body) + AROUND_TOKENS + media * MEDIUM_TOKENS
        tool = _KEYED_TOOL if self._keyed else _TOOL
        if not _SEARCHES.isdisjoint(fields) or ("tools" in fields and tool.search(fields["tools"])):
            media += 1
        if not _KEPT.isdisjoint(fields) and any(_points(name, bytes(fields[name])) for name in _KEPT & fields.keys()):
            return KEPT_TOKENS + len(self._ask.body) + media * MEDIUM_TOKENS
        stored = CACHED_TOKENS if self._keyed and not _CACHES.isdisjoint(fields) else 0
        return len(self._ask.body) + AROUND_TOKENS + media * MEDIUM_TOKENS + stored

    def output_tokens(self, deployment: Deployment) -> int:
        """At most, of all answers together."""
        asked, endless, choices = self._asked, self._endless, self._choices
        forced, defaults = deployment.forced_raw, deployment.defaults_raw
        if forced or defaults:
            fields, forced = self._fields, _with_settings(forced)
            first, never = _limit(forced)
            if first is not None or never:
                asked, endless = first, never
            elif asked is None and not endless:
                asked, endless = _limit(defaults)
            choices = _choices({**defaults, **fields, **forced})
        most = deployment.target.max_output_tokens
        if asked is None or endless:
            asked = max(asked or 0, OUTPUT_TOKENS) if most is None else most
        elif most is not None and most < asked:
            asked = most
        return asked * choices


_settings = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _with_settings(fields: Fields) -> Fields:
    """The fields, and beside them those that a format has one level deeper. What is no object the provider refuses."""
    flat: dict[str, msgspec.Raw] | None = None
    for name in SETTINGS_FIELDS:
        if name in fields:
            flat = dict(fields) if flat is None else flat
            try:
                flat.update(_settings(fields[name]))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
    return fields if flat is None else flat


def _price(deployment: Deployment, into: int, out: int, ask: Ask) -> int | None:
    """With the service that was asked for, or the plain one, where the provider does not grant the other."""
    tariff, fields = deployment.tariff, ask.fields
    worst = tariff.worst
    seconds = _waited_for(deployment, ask) if tariff.timed else None
    plain = worst(into, out, None, seconds)
    if _SERVICE.isdisjoint(fields) and not deployment.forced_raw and not deployment.defaults_raw:
        return plain
    service = _service({**deployment.defaults_raw, **fields, **deployment.forced_raw})
    special = worst(into, out, service, seconds) if service else None
    return plain if special is None else max(special, plain or 0)


def _points(name: str, said: bytes) -> bool:
    """A completion's prompt is a text, or a list; an object is one that is kept."""
    return said.lstrip().startswith(b"{") if name == "prompt" else said != b"null"


def _with_others(worst: int, deployment: Deployment, others: Iterable[Named], into: int, out: int) -> int:
    instead, beside = worst, 0
    for one in others:
        price = deployment.tariff.of(one.model).worst(into, out)
        if price is None:
            price = worst
        if one.beside:
            beside = max(beside, price)
        else:
            instead = max(instead, price)
    return instead + beside


def _waited_for(deployment: Deployment, ask: Ask) -> float | None:
    """Seconds at most, of one attempt."""
    return ask.limited(deployment.times(ask)).total_s


def _service(fields: Fields) -> str:
    """The words that change the price, joined as the tariff joins them."""
    words = (bytes(fields[name]).decode("utf-8", "replace").strip('"') for name in SERVICE_FIELDS if name in fields)
    return "+".join(word for word in words if word not in _PLAIN_WORDS)


def _most_output(deployments: Iterable[Deployment]) -> int | None:
    """What the most talkative of them can give; None where one has no limit that is known."""
    most = 0
    for deployment in deployments:
        limit = deployment.target.max_output_tokens
        if limit is None:
            return None
        most = max(most, limit)
    return most


def _choices(fields: Fields) -> int:
    return 1 if _CHOICES.isdisjoint(fields) else max((1, *_numbers(fields, _CHOICES)))


def _limit(fields: Fields) -> tuple[int | None, bool]:
    """The largest limit of the output, where there is one; and whether a field says that there is none."""
    if _OUTPUT.isdisjoint(fields):
        return None, False
    numbers = _numbers(fields, _OUTPUT)
    if len(numbers) == 1 and numbers[0] > 0:
        return numbers[0], False
    limits = [number for number in numbers if number > 0]
    return max(limits, default=None), len(limits) < len(numbers)


def _numbers(fields: Fields, names: frozenset[str]) -> list[int]:
    """Of these fields. What is no number is left to the provider to refuse; a number in quotes counts, because some
    read it as one."""
    found = []
    for name in names & fields.keys():
        said = bytes(fields[name])
        if said.isdigit() and len(said) <= _DIGITS_MAX:
            found.append(int(said))
            continue
        try:
            found.append(int(max(-1.0, min(float(_unquoted(said)), NUMBER_MAX))))
        except ValueError:
            continue
    return found


def _unquoted(number: bytes) -> bytes | str:
    """Raises ValueError where it is no text either."""
    return msgspec.json.decode(number, type=str) if number.startswith(b'"') else number


def _inline_bytes(body: bytes) -> int:
    """Of media that stand in the body: base64 is no text."""
    found = 0
    for mark in _INLINE:
        at = body.find(mark)
        while at >= 0:
            begins = at + len(mark)
            ends = body.find(b'"', begins + 2)
            if ends < 0:
                break
            found += ends - begins
            at = body.find(mark, ends)
    return found
