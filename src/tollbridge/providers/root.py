"""Where a provider's own paths begin, and how one is put there: for what is passed through as it is.

A row says where chat is; the rest of a vendor's API is beside it, below the address without its version:

    /openai/v1/files, /openai/files            https://api.openai.com/v1/files
    /groq/openai/v1/models, /groq/models       https://api.groq.com/openai/v1/models
    /gemini/v1beta/files, /gemini/upload/...   https://generativelanguage.googleapis.com/...
    /azure/openai/deployments/d/...            {endpoint}/openai/deployments/d/...?api-version=
    /vertex_ai/v1/projects/P/locations/L/...   https://L-aiplatform.googleapis.com/v1/projects/P/locations/L/...

Rules
1. Nothing leaves the root: host and port are the row's or the operator's, an operator's prefix stays in front, a path
   of Vertex stays within the project and location that the credential is for.
2. A path is given decoded. One that tries to say more (empty or dot segments, `://`) is refused, never repaired.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.providers import azure
from tollbridge.providers.account import Account
from tollbridge.providers.address import Base, join, read_base
from tollbridge.providers.auth import AuthHeaders
from tollbridge.providers.aws_keys import AwsAccount
from tollbridge.providers.resolve import Given, base_of, resolve
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ALIASES
from tollbridge.secret import Secret

_ALSO: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai_passthrough",),
    "vertex_ai": ("vertex-ai",),
    "assemblyai_eu": ("eu.assemblyai",),
}
"""Other first parts of paths, as LiteLLM has them."""
_AT_THE_HOST = frozenset({"anthropic", "cohere", "cohere_chat", "gemini"})
"""Their paths begin with versions, and with other words (`upload/`), right below the host."""
_VERSION = re.compile(r"v\d+\w*")
_STRAYS = re.compile(r"(?:^|/)(?:\.{1,2}(?:;[^/]*)?)?(?:/|$)|://|\\|[\x00-\x1f\x7f]")
_OWN_PROJECT = re.compile(r"(v\d+\w*)/projects/([^/]+)/locations/([^/]+)/(.+)")
_SAFE = "/:@!$&'()*+,;=~"


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: what stands before every path, without a slash at its end. `version`: of Azure's API, for who names none.
    `within`: Vertex's project and location. `headers`: fixed ones, and credentials as Secrets. `keeps_at`: what stands
    before `files` and `batches`, below the root, with a slash at its end."""

    provider: str
    wire: str
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    base: str
    headers: tuple[tuple[str, str | Secret], ...]
    account: str
    secrets: tuple[Secret, ...]
    cloud: Account | None = None
    versioned: str | None = None
    within: tuple[str, str] | None = None
    keeps_at: str = ""


def names_of(row: Provider) -> tuple[str, ...]:
    """The first parts of paths that mean this provider."""
    return (row.name, *(alias for alias, name in ALIASES.items() if name == row.name), *_ALSO.get(row.name, ()))


def root_of(row: Provider, given: Given, environ: Mapping[str, str], rows: Mapping[str, Provider]) -> Root:
    """Raises APIError where the row has no address or no key, as `resolve` does."""
    location = resolve("gemini-x", custom_llm_provider=row.name, given=given, environ=environ, rows=rows)
    if isinstance(location.cloud, AwsAccount):
        raise BadRequestError(
            f"{row.name}: requests under its own path are not signed; they need an `api_key`.",
            provider=row.name,
            fault="operator",
        )
    versioned, within, base, keeps_at = None, None, "", ""
    match row.shape:
        case "vertex":
            found = re.fullmatch(r"(.*)/v1/projects/([^/]+)/locations/([^/]+)/publishers/.*", location.path)
            path = found[1] if found else location.path.partition("/v1/")[0]
            within = (found[2], found[3]) if found else None
        case "azure":
            keeps_at = "openai/"
            path = base_of(row, given, environ)[0].path.partition("/openai")[0]
            query = dict(parse_qsl(location.path.partition("?")[2]))
            versioned = query.get("api-version", azure.VERSION_DEFAULT)
        case "azure_ai":
            path = base_of(row, given, environ)[0].path.removesuffix("/models")
            versioned = dict(parse_qsl(location.path.partition("?")[2])).get("api-version")
        case _:
            base = base_of(row, given, environ)[0].path
            path = _without_version(base)
            if row.name in _AT_THE_HOST:
                base = path = "" if location.own_address else path
                keeps_at = "v1/"
    at = Base(location.scheme, location.host, location.port, path)
    if row.root_url and location.own_address:
        at = read_base(row.root_url, row.name)
        base = path = at.path
    return Root(
        provider=row.name,
        wire=row.wire,
        scheme=at.scheme,
        host=at.host,
        port=at.port,
        path=path,
        base=base or path,
        headers=location.headers,
        account=location.account,
        secrets=location.secrets,
        cloud=location.cloud,
        versioned=versioned,
        within=within,
        keeps_at=keeps_at,
    )


def root_at(name: str, url: str, headers: AuthHeaders) -> Root:
    """One of the operator's own: everything below this URL. Raises BadRequestError where that is none."""
    base = read_base(url, name)
    return Root(
        provider=name,
        wire="",
        scheme=base.scheme,
        host=base.host,
        port=base.port,
        path=base.path,
        base=base.path,
        headers=headers,
        account="",
        secrets=tuple(value for _, value in headers),
    )


def target(root: Root, path: str, query: str = "") -> str:
    """The request's target for a path below the root, decoded and without a slash at its beginning. Raises
    BadRequestError."""
    if path and _STRAYS.search(path.removesuffix("/")):
        raise _stray(root)
    if not path:
        made = root.base or "/"
    elif root.within is not None:
        made = _within(root, root.within, path)
    elif _VERSION.fullmatch(path.partition("/")[0]):
        made = f"{root.path}/{path}" if _overlaps(root, path) is None else join(root.base, path)
    else:
        made = join(root.base, path) + ("/" if path.endswith("/") else "")
    if root.versioned and not _says_version(made, query):
        query = f"{query}&api-version={quote(root.versioned)}" if query else f"api-version={quote(root.versioned)}"
    return quote(made, safe=_SAFE) + (f"?{query}" if query else "")


def without(query: str, values: frozenset[str]) -> str:
    """A query without the parameters that say one of these values: the caller's own key, wherever it put it."""
    if not query:
        return query
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if value not in values]
    return query if len(kept) == len(pairs) else urlencode(kept)


def _without_version(path: str) -> str:
    head, _, last = path.rpartition("/")
    return head if _VERSION.fullmatch(last) else path


def _overlaps(root: Root, path: str) -> str | None:
    """The base, where the path repeats the end of it and it has no version at its end."""
    return root.base if root.base == root.path and join(root.base, path) != f"{root.base}/{path}" else None


def _within(root: Root, within: tuple[str, str], path: str) -> str:
    """What names no project is of ours."""
    said = _OWN_PROJECT.fullmatch(path)
    if said is None:
        if re.match(r"(?:v\d+\w*/)?projects/", path):
            raise _stray(root)
        version, slash, rest = path.partition("/")
        version, rest = (version, rest) if slash and _VERSION.fullmatch(version) else ("v1", path)
        return f"{root.path}/{version}/projects/{within[0]}/locations/{within[1]}/{rest}"
    if (said[2], said[3]) != within:
        raise _stray(root)
    return f"{root.path}/{path}"


def _says_version(path: str, query: str) -> bool:
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    return "api-version" in names or "/openai/v1/" in path


def _stray(root: Root) -> BadRequestError:
    return BadRequestError(
        f"The path leads out of what is passed through to {root.provider}.", code="path_not_confined"
    )
