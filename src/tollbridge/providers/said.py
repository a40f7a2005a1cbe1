"""What the operator said of himself, for a provider with ways of its own to know whom it speaks with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from tollbridge.model.json import Json
from tollbridge.providers.address import Base
from tollbridge.secret import Secret


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: what the row adds to the base for this format. `key`: the API key, empty where there is none. `given`:
    what the call or the deployment says; for each value it goes before `environ`. `tokens`: a program's function."""

    provider: str
    base: Base
    path: str
    key: Secret
    given: Mapping[str, Json]
    environ: Mapping[str, str]
    tokens: Callable[[], object] | None = None

    def value(self, name: str, *variables: str) -> str | None:
        """The first that holds more than white space."""
        found = self.given.get(name)
        text = found.reveal() if isinstance(found, Secret) else found
        for said in (text, *(self.environ.get(variable) for variable in variables)):
            if isinstance(said, str) and said.strip():
                return said.strip()
        return None

    def secret(self, name: str, *variables: str) -> Secret | None:
        found = self.value(name, *variables)
        return None if found is None else Secret(found)
