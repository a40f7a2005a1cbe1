"""From a model's name to a row and the name that the provider knows it by.

1. `custom_llm_provider` says who.
2. `provider/model`, where the first part is a provider; the rest may hold slashes.
3. An `api_base` on a provider's own host says who.
4. A bare name: the catalog, then how it begins (`table.BARE`), also where the catalog does not know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from tollbridge.catalog.facts import catalog
from tollbridge.catalog.near import did_you_mean, near
from tollbridge.errors import UnknownModelError
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ALIASES, BARE, DEMO


def locate(
    model: str, rows: Mapping[str, Provider], *, provider: str | None = None, api_base: str | None = None
) -> tuple[Provider, str]:
    """(row, the provider's name for the model). Raises NotFoundError with near names."""
    if not model.strip():
        raise _not_found("No model is named.")
    if model.rstrip().endswith("/"):
        raise _no_model(model, provider, rows)
    if provider:
        named = find(provider, rows)
        if named is None:
            raise _unknown_provider(provider, model, rows)
        head, slash, rest = model.partition("/")
        return named, rest if slash and rest and head in (provider, named.name) else model
    head, slash, rest = model.partition("/")
    if slash:
        named = find(head, rows)
        if named is not None:
            return named, rest
    row = by_host(api_base, rows) or (None if slash else _by_bare_name(model, rows))
    if row is None:
        if slash:
            raise _unknown_provider(head, model, rows) if head else _no_provider(model)
        raise _unknown_model(model, rows) if find(model, rows) is None else _no_model(f"{model}/", None, rows)
    return row, model


def find(name: str, rows: Mapping[str, Provider]) -> Provider | None:
    """The row of a provider's name or alias; the operator's own rows come before aliases."""
    return rows.get(name) or rows.get(ALIASES.get(name, ""))


def _by_bare_name(model: str, rows: Mapping[str, Provider]) -> Provider | None:
    row = rows.get(catalog().provider_of(model) or "")
    if row is not None and row.base_url:  # one whose address somebody must tell is not meant by a bare name
        return row
    for begins, provider in BARE:
        if begins.match(model):
            return rows.get(provider)
    return None


def by_host(api_base: str | None, rows: Mapping[str, Provider]) -> Provider | None:
    """Whose own host this is."""
    host = _host(api_base or "")
    if not host:
        return None
    return next((row for row in rows.values() if not row.local and _host(row.base_url) == host), None)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _no_model(model: str, provider: str | None, rows: Mapping[str, Provider]) -> UnknownModelError:
    """It ends where a model's name should be."""
    head = model.partition("/")[0]
    row = find(head, rows) or find(provider or "", rows)
    if row is None:
        return _not_found(f"The model {model!r} ends where its name should be. Write `provider/model`.")
    begins = model.strip().rstrip("/")
    what = f"names the provider {head!r} alone" if begins == head else "ends where the model's name should be"
    if row is DEMO:
        return _not_found(f"The model {model!r} {what}: the model is missing. Any name works: `{begins}/hello`.")
    return _not_found(
        f"The model {model!r} {what}: the model is missing. Write `{begins}/<model>`; `tollbridge models {row.name}` "
        "shows those that are known."
    )


def _no_provider(model: str) -> UnknownModelError:
    rest = model.lstrip("/")
    return _not_found(
        f"The model {model!r} names no provider before its slash. Write `provider/{rest}`, or {rest!r} alone, where "
        "the catalog knows whose it is."
    )


def _unknown_provider(name: str, model: str, rows: Mapping[str, Provider]) -> UnknownModelError:
    close = near(name, [*rows, *ALIASES]) or near(model, _reachable(rows))
    return _not_found(
        f"There is no provider {name!r} for the model {model!r}.{_or(close)} Write `provider/model`; for a server with "
        f"OpenAI's format, `openai/{model}` and its `api_base`."
    )


def _unknown_model(model: str, rows: Mapping[str, Provider]) -> UnknownModelError:
    close = near(model, _reachable(rows)) or near(model, rows)
    return _not_found(
        f"No provider is known for the model {model!r}.{_or(close)} Write it as `provider/model`, such as "
        f"`openai/{model}`."
    )


def _reachable(rows: Mapping[str, Provider]) -> list[str]:
    """What the catalog knows of those who can be asked: it has prices of others too."""
    return [name for name in catalog().names() if "/" not in name or find(name.partition("/")[0], rows) is not None]


def _or(close: list[str]) -> str:
    return f" {did_you_mean(close)}" if close else ""


def _not_found(message: str) -> UnknownModelError:
    return UnknownModelError(message, code="model_not_found", param="model")
