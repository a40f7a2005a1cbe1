"""The requests of a batch on their way to a provider, line by line: each model is one that the key may ask for, by the
name that the provider knows it by, what it says to the gateway goes no further, and what the answers may cost at most
is added up.

Bounded: one line is held at a time. Lines that cannot be read are refused, because nobody here would know what they
ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from tollbridge.calls.ask import Ask, Fields, field, peek, string_field
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import in_its_words
from tollbridge.errors import APIError, BadRequestError
from tollbridge.files.formats import ENDPOINTS
from tollbridge.files.steering import take_steering
from tollbridge.model.json import Json
from tollbridge.model.response import Caveat
from tollbridge.server.reading import ineffective
from tollbridge.server.worst_case import worst_case
from tollbridge.wires.base import Wire
from tollbridge.wires.dialects import MESSAGES

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

    def __init__(
        self, permit: Permit, names_ours: Names, check_others: Others, betas: str = "", *, strict: bool = False
    ) -> None:
        """`betas`: of Anthropic's that the batch is sent with."""
        self._permit = permit
        self._check_others = check_others
        self._names_ours = names_ours
        self._betas = betas
        self._strict = strict
        self._known: dict[str, Deployment] = {}
        self._caveats: dict[tuple[str, str], Caveat] = {}
        self.worst_nanousd: int | None = 0

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """Where each was first met."""
        return tuple(self._caveats.values())

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

    def request(self, body: bytes, wire: Wire | None, where: str) -> Mapping[str, Json]:
        """One request's fields, as its provider shall get them, each once: the one that was looked at. `where`: it
        stands."""
        came = peek(body)
        fields = dict(came)
        model = string_field(fields, "model")
        deployment = self.permit(model)
        betas = self._betas if wire is not None and wire.name == MESSAGES else None
        controls, idle = take_steering(fields, {}, betas, noted=False)
        self._check_others(fields, deployment)
        caveats = ineffective(idle, self._strict)
        if fields.keys() != came.keys():
            body = _encode(fields)
        sent: dict[str, Json] = {**fields}
        if wire is None:
            self.worst_nanousd = None
        else:
            ask = Ask(wire, body, fields, model, stream=False, strict=self._strict, drop_params=controls.drop_params)
            self._meter(ask, deployment)
            if wire.name == deployment.wire.name:
                caveats += in_its_words(sent, ask, deployment)
        if model != deployment.model:
            sent["model"] = deployment.model_raw
        for caveat in caveats:
            place = where + caveat.where.removeprefix("$")
            self._caveats.setdefault((caveat.code, caveat.where), msgspec.structs.replace(caveat, where=place))
        return sent

    def _meter(self, ask: Ask, deployment: Deployment) -> None:
        if self._names_ours(ask):
            raise BadRequestError(
                "A batch runs at its provider, who cannot be given MCP servers of this gateway, nor a key for them.",
                param="tools",
                code="mcp_in_batch",
            )
        if self.worst_nanousd is not None:
            # at the plain price: a batch costs half of it, where that is known
            worst = worst_case(ask, [deployment], priced=True, counted=False).nanousd
            self.worst_nanousd = None if worst is None else self.worst_nanousd + worst


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
            inner = self._sum.request(bytes(fields["body"]), wire, f"line {self._number}: $.body")
        fields["body"] = msgspec.Raw(_encode(inner))
        return _encode(fields)
