"""A provider as a place to send anything to, with a credential: for files, batches and what is passed through."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from tollbridge.calls.tokens import Tokens
from tollbridge.errors import BadRequestError
from tollbridge.providers.account import fetcher
from tollbridge.providers.root import Root, target
from tollbridge.secret import Secret
from tollbridge.transport.base import Flow, Origin, Outgoing, Timeouts
from tollbridge.transport.head import encode_head


class Place(msgspec.Struct, frozen=True, eq=False):
    """`name`: as paths and the ledger say it. `headers`: the fixed ones and the credential, in clear."""

    name: str
    root: Root
    origin: Origin
    headers: tuple[tuple[str, str], ...]
    timeouts: Timeouts
    tokens: Tokens | None = None

    @property
    def account(self) -> str:
        return self.root.account

    @property
    def hidden(self) -> tuple[str, ...]:
        """What nobody may be shown."""
        secrets = tuple(secret.reveal() for secret in self.root.secrets)
        return secrets if self.tokens is None else (*secrets, *self.tokens.secrets)

    async def outgoing(
        self,
        method: str,
        path: str,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        *,
        body: bytes = b"",
        flow: Flow | None = None,
        length: int | None = None,
    ) -> Outgoing:
        """`path`: below the root, decoded. `headers`: names in lower case; they win over the fixed ones, never over a
        credential. Raises BadRequestError, and APIError where there is no token to be had."""
        secret = {name.lower() for name, value in self.root.headers if isinstance(value, Secret)} | {"authorization"}
        given = tuple((name, value) for name, value in headers if name not in secret)
        named = {name for name, _ in given}
        all = [*(pair for pair in self.headers if pair[0].lower() not in named), *given]
        if self.tokens is not None:
            all.append(("authorization", await self.tokens.bearer()))
        at = target(self.root, path, query)
        try:
            head = encode_head(self.origin, method, at, all)
        except ValueError as error:
            raise BadRequestError(f"This cannot be sent on: {error}.", code="invalid_header") from error
        return Outgoing(
            origin=self.origin,
            method=method,
            target=at,
            headers=tuple(all),
            body=body,
            head=head,
            flow=flow,
            length=length,
        )

    def __repr__(self) -> str:
        return f"<Place {self.name} at {self.origin}>"


def place(root: Root, timeouts: Timeouts, name: str = "") -> Place:
    return Place(
        name=name or root.provider,
        root=root,
        origin=Origin(root.scheme, root.host, root.port),
        headers=tuple((key, value.reveal() if isinstance(value, Secret) else value) for key, value in root.headers),
        timeouts=timeouts,
        tokens=None if root.cloud is None else Tokens(fetcher(root.cloud, time.time)),
    )
