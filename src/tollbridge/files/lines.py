"""The requests of a batch on their way to a provider, line by line: each model is one that the key may ask for, by the
name that the provider knows it by, and what the answers may cost at most is added up.

Bounded: one line is held at a time. Lines that cannot be read are refused, because nobody here would know what they
ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from tollbridge.calls.ask import Ask, Fields, field, peek, string_field
from tollbridge.calls.deployment import Deployment
from tollbridge.errors import APIError, BadRequestError
from tollbridge.files.formats import ENDPOINTS
from tollbridge.server.worst_case import worst_case
from tollbridge.wires.base import Wire

MODELS_MAX = 100
LINE_BYTES_MAX = 16 * 1024 * 1024

_encode = msgspec.json.Encoder().encode

Permit = Callable[[str], Deployment]
"""Who answers to a model's name. Raises APIError where the key may not ask for it."""
Names = Callable[[Ask], bool]
"""The request names MCP servers of this gateway."""
Others = Callable[[Fields, Deployment], None]
"""Raises APIError where a request names a model, beside its own, that the key may not ask for."""


@contextmanager
def naming(which: str) -> Iterator[None]:
    """An APIError in here says which of a batch's requests it is of."""
    try:
        yield
    except APIError as error:
        error.message = f"{which}: {error.message}"
        error.args = (error.message,)
        raise


class Sum:
    """What a batch asks for so far. `worst_nanousd`: None where some of it has no price."""

    def __init__(self, permit: Permit, names_ours: Names, check_others: Others) -> None:
        self._permit = permit
        self._check_others = check_others
        self._names_ours = names_ours
        self._known: dict[str, Deployment] = {}
        self.worst_nanousd: int | None = 0

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self._known)

    def permit(self, model: str) -> Deployment:
        """Raises APIError where it may not be asked for."""
        deployment = self._known.get(model)
        if deployment is None:
            if len(self._known) >= MODELS_MAX:
                raise BadRequestError(f"A batch asks for at most {MODELS_MAX} models.", param="model")
            deployment = self._known[model] = self._permit(model)
        return deployment

    def request(self, body: bytes, wire: Wire | None) -> tuple[Fields, bool]:
        """One request's fields, with the provider's name for its model; whether anything changed."""
        fields = peek(body)
        model = string_field(fields, "model")
        deployment = self.permit(model)
        self._check_others(fields, deployment)
        ask = None if wire is None else Ask(wire, body, fields, model, stream=False)
        if ask is not None and self._names_ours(ask):
            raise BadRequestError(
                "A batch runs at its provider, who cannot be given MCP servers of this gateway, nor a key for them.",
                param="tools",
                code="mcp_in_batch",
            )
        if ask is None:
            self.worst_nanousd = None
        elif self.worst_nanousd is not None:
            # at the plain price: a batch costs half of it, where that is known
            worst = worst_case(ask, [deployment], priced=True, counted=False).nanousd
            self.worst_nanousd = None if worst is None else self.worst_nanousd + worst
        changed = model != deployment.model
        if changed:
            fields["model"] = deployment.model_raw
        return fields, changed


class Lines:
    """JSON lines of OpenAI's batches: `feed` bytes in order and send what they give, then `close`. Both raise
    APIError."""

    def __init__(self, sum: Sum, replace: Callable[[bytes], bytes]) -> None:
        """`replace`: puts the provider's ids in."""
        self._sum = sum
        self._replace = replace
        self._held = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> bytes:
        return b"".join(self._lines(data))

    def close(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return self._line(held)

    def _lines(self, data: bytes) -> Iterator[bytes]:
        *whole, rest = data.split(b"\n")
        for line in whole:
            if self._held:
                line, self._held = bytes(self._held) + line, bytearray()
            yield self._line(line) + b"\n"
        self._held += rest
        if len(self._held) > LINE_BYTES_MAX:
            raise BadRequestError(f"Line {self._number + 1} of the file is longer than {LINE_BYTES_MAX} bytes.")

    def _line(self, line: bytes) -> bytes:
        self._number += 1
        if not line.strip():
            return line
        with naming(f"Line {self._number} of the file"):
            fields = peek(self._replace(line))
            wire = ENDPOINTS.get(str(field(fields, "url")))
            if "body" not in fields:
                raise BadRequestError("it lacks `body`")
            inner, changed = self._sum.request(bytes(fields["body"]), wire)
        if changed:
            fields["body"] = msgspec.Raw(_encode(inner))
        return _encode(fields)
