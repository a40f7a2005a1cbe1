"""How a key is named: by its id (LiteLLM's `token`), by its alias, or by being shown. No name means two things:

1. An alias is no id: it does not look like one, and the store takes none that is a key's id.
2. It is no key: it does not begin as keys do.
3. It is nobody else who asks: the admin's requests stand in the ledger under a name of their own.
"""

from __future__ import annotations

from tollbridge.errors import NotFoundError
from tollbridge.policy.minting import CUSTOM_LENGTHS, CUSTOM_PREFIX, like_an_id, shown

ADMIN = "master"
ADMINS = frozenset({ADMIN, "open"})
"""Under which the ledger has requests with the master key, and those through an open door."""

STDIN = "-"
SHOWN_MAX = 100


def check_alias(alias: str) -> None:
    """Raises ValueError with what to do."""
    if alias != alias.strip():
        raise ValueError("must not begin or end with a space")
    if alias.casefold() in ADMINS:
        raise ValueError(f"`{alias}` is how the ledger names the admin's own requests; choose another one")
    if alias.startswith(CUSTOM_PREFIX):
        raise ValueError(f"must not begin with `{CUSTOM_PREFIX}`, as keys do: it is shown to everybody")
    if alias == STDIN:
        raise ValueError("stands for standard input on the command line; choose another one")
    if like_an_id(alias):
        raise ValueError("looks like the id of a key; choose another one, such as one with a hyphen")


def no_such_key(*names: str, param: str = "key") -> NotFoundError:
    told = ", ".join(map(_fit, names))
    nobody = "There is no key" if len(names) == 1 else "There are no keys"
    return NotFoundError(f"{nobody} {told} here, neither by id nor by alias.", code="key_not_found", param=param)


def _fit(name: str) -> str:
    """To be repeated: what may be a key is shown as keys are."""
    if name.startswith(CUSTOM_PREFIX):
        return shown(name) if len(name) >= CUSTOM_LENGTHS.start else f"{CUSTOM_PREFIX}..."
    printed = repr(name)
    return printed if len(printed) <= SHOWN_MAX else f"{printed[:SHOWN_MAX]}...'"
