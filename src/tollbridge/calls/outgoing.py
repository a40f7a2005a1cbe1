"""The request that goes out for an ask: its headers and those of the client's that go along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent
from tollbridge.transport.base import Outgoing
from tollbridge.transport.head import encode_head
from tollbridge.wires.gemini.vocabulary import NAME as GEMINI

Headers = tuple[tuple[str, str], ...]

CLIENT_HEADERS: Mapping[str, frozenset[str]] = {
    "openai_chat": frozenset({"openai-beta", "idempotency-key", "traceparent"}),
    "anthropic_messages": frozenset({"anthropic-beta", "anthropic-version", "idempotency-key", "traceparent"}),
    "openai_responses": frozenset({"openai-beta", "idempotency-key", "traceparent"}),
    GEMINI: frozenset({"traceparent"}),
}
"""Which of the client's headers reach a provider, by the provider's wire. All others stay here."""

LISTS = frozenset({"anthropic-beta", "openai-beta"})
"""Headers that hold words with commas: who wants one of them does not take away another's."""


def with_words(headers: Headers, more: Iterable[tuple[str, str]]) -> Headers:
    """`headers`, in lower case, with the words of `more` that are not there, each name once."""
    joined = dict(headers)
    for name, said in more:
        words = [word.strip() for word in f"{said},{joined.get(name.lower(), '')}".split(",")]
        joined[name.lower()] = ",".join(dict.fromkeys(filter(None, words)))
    return tuple(joined.items())


def in_body(body: JsonObject, headers: Headers, deployment: Deployment) -> tuple[JsonObject, tuple[Caveat, ...]]:
    """The headers that this provider takes in the body, as far as it knows what they say."""
    fields: JsonObject = {}
    dropped: list[Caveat] = []
    for header, value in headers:
        into = deployment.header_fields.get(header)
        if into is None:
            continue
        for word in filter(None, (said.strip() for said in value.split(","))):
            if word not in into.known:
                fact = f"{deployment.provider} does not know `{word}` of the header {header}"
                dropped.append(unsent("dropped_field", f"$.{into.field}", fact))
            elif word not in fields.setdefault(into.field, list(body.get(into.field) or ())):
                fields[into.field].append(word)
    return {**body, **fields}, tuple(dropped)


def outgoing(
    ask: Ask, deployment: Deployment, body: bytes, path: str | None = None, *, headers: Headers | None = None
) -> Outgoing:
    """The request for `path`, or for the deployment's own. `headers`: in place of the client's; those that this wire
    knows go along."""
    said = ask.headers if headers is None else headers
    headers, head = deployment.headers, b""
    if path is None and ask.stream and deployment.stream_path:
        path, head = deployment.stream_path, deployment.stream_head
    elif path is None:
        path, head = deployment.path, deployment.head
    if said:
        allowed = CLIENT_HEADERS.get(deployment.wire.name, frozenset())
        extra = tuple(header for header in said if _goes_on(header[0], allowed, deployment))
        if extra:
            named = {name for name, _ in extra}
            own = [header for header in headers if header[0].lower() in LISTS]
            extra = with_words(extra, own) if own else extra
            headers = (*(header for header in headers if header[0].lower() not in named), *extra)
            try:
                head = encode_head(deployment.origin, "POST", path, headers)
            except ValueError as error:
                raise BadRequestError(f"A header cannot be sent on: {error}.", code="invalid_header") from error
    return Outgoing(origin=deployment.origin, method="POST", target=path, headers=headers, body=body, head=head)


def _goes_on(name: str, allowed: frozenset[str], deployment: Deployment) -> bool:
    """What AWS reads in a header (a guardrail, a session) is the operator's to say."""
    if name in deployment.header_fields or name.startswith(("x-amz-", "x-amzn-")):
        return False
    return name in allowed or name.startswith("x-")


async def with_token(request: Outgoing, deployment: Deployment) -> Outgoing:
    """The request with the token of the moment, or signed, where that is the deployment's credential. Raises
    APIError."""
    return request if deployment.tokens is None else await deployment.tokens.shown(request)
