"""A way through: what is behind a path, and who may take it.

    the admin                            every path
    a key that may ask for a model       the model endpoints of its provider (`endpoints.known`), with that model
    a key that may ask for all of them   every path, where the operator opened the account to keys

What an account keeps (files, threads, fine-tuned models, responses) belongs to whoever has its credential, and a
provider does not tell one key of ours from another: so it is the admin's, unless the operator says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.place import Place
from tollbridge.errors import PermissionDeniedError
from tollbridge.model.json import Json
from tollbridge.passing.endpoints import Endpoint, stored
from tollbridge.policy.access import Access
from tollbridge.policy.principal import Principal
from tollbridge.routing.groups import Groups

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Way(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """`path`: the beginning of the request's path, without a slash at its end. `whole`: keys may take every path below
    it. `own`: the operator's, and no provider's: it knows no models. Of such a one `cost_nanousd` is what a request
    costs (None: unknown), `query` goes along, and with `forwards` all of the client's headers but credentials;
    `below`: also longer paths lead there."""

    path: str
    place: Place
    whole: bool = False
    own: bool = False
    methods: tuple[str, ...] = METHODS
    cost_nanousd: int | None = None
    query: Mapping[str, str] = {}
    forwards: bool = False
    below: bool = True

    def opens_to(self, principal: Principal | None) -> bool:
        """All of it."""
        if principal is None or principal.key is None:
            return True
        if self.own:
            return principal.access.every or principal.access.allows(self.path)
        return self.whole and principal.access.lists(f"{self.place.root.provider}/*")

    def check_path(self, endpoint: Endpoint | None) -> None:
        """For who may not take all. Raises PermissionDeniedError."""
        if self.own:
            raise PermissionDeniedError(
                f"This key may not ask for {self.path}: its list of models must name that path.",
                code="key_model_access_denied",
            )
        if endpoint is None:
            raise PermissionDeniedError(
                f"Keys may pass requests to models of {self.place.name} through, nothing else: this path is of the "
                "account. The admin may, and keys where `general_settings.pass_through_account` opens it to them.",
                code="pass_through_account",
            )

    def check_model(self, access: Access, groups: Groups[Deployment], model: str, deployment: Deployment) -> None:
        """By the name that the provider's models have here, or that of the group which it is in."""
        name = f"{self.place.root.provider}/{model}"
        if access.allows(name, entry=groups.entry(name)):
            return
        if "*" in deployment.group or not access.allows(deployment.group):  # a pattern says no more than the name
            raise access.refusal(name)

    def check_body(self, body: Json) -> None:
        """Raises PermissionDeniedError where it points at what only the account knows, or would run unheard."""
        name = stored(body)
        if name is None and isinstance(body, dict) and body.get("background"):
            name = "background"
        if name is not None:
            raise PermissionDeniedError(
                f"`{name}` is about what the account at {self.place.name} keeps, which is not this key's alone. Leave "
                "it out, or ask by the gateway's own routes.",
                code="pass_through_account",
                param=name,
            )
