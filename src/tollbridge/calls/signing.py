"""Requests signed one by one, with keys that may run out."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from tollbridge.calls.tokens import Renewed
from tollbridge.providers.aws_keys import AwsAccount, Keys, fetcher
from tollbridge.providers.sigv4 import signed
from tollbridge.transport.base import Outgoing


class Signatures:
    """A `calls.tokens.Credential`. The keys are fetched in a thread; a signature is made at once, from them alone."""

    def __init__(
        self,
        account: AwsAccount,
        fetch: Callable[[], Keys] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._keys = Renewed(fetch or fetcher(account), clock)

    @property
    def secrets(self) -> tuple[str, ...]:
        held = self._keys.held
        return () if held is None else held.secrets

    async def shown(self, request: Outgoing) -> Outgoing:
        keys = await self._keys.current()
        url = f"{request.origin.scheme}://{request.origin.authority}{request.target}"
        headers = signed(self._account, keys, request.method, url, request.headers, request.body)
        return msgspec.structs.replace(request, headers=headers, head=b"")
