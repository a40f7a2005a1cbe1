"""Writes docs/config-reference.md, from the tables by which a configuration is read.

python -m scripts.config_reference            writes it
python -m scripts.config_reference --check    says whether it is stale: exit code 1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import msgspec

from scripts.marked import Marked
from tollbridge.assemble.deployments import CONNECT_S, FIRST_BYTE_S, GAP_S
from tollbridge.config import kinds, model_info
from tollbridge.config.load import TOP
from tollbridge.config.schema import Key, Section
from tollbridge.config.settings import (
    Alias,
    GeneralSettings,
    McpServer,
    OwnPath,
    ProxySettings,
    RouterSettings,
    Settings,
    TimeoutSettings,
    TokenIssuer,
)
from tollbridge.config.tables import (
    credentials,
    deployment,
    general,
    listener,
    litellm,
    mcp,
    own_paths,
    prices_file,
    providers,
    router,
)
from tollbridge.config.tables import token_issuers as issuers
from tollbridge.server.cors import Cors
from tollbridge.server.gateway import Rules
from tollbridge.server.http.limits import Limits

WRITTEN: Mapping[Any, str] = {
    kinds.anything: "anything",
    kinds.cache_points: "list of points",
    kinds.anything_table: "a table",
    kinds.count: "a whole number",
    kinds.fallbacks: "`[{model: [models]}]`",
    kinds.file: "a file",
    prices_file.prices_file: "a file",
    kinds.flag: "true or false",
    kinds.integer: "a whole number",
    kinds.named: "text",
    kinds.number: "a number",
    kinds.numeric: "a number",
    kinds.period: "a period (`30s`, `15m`, `12h`, `30d`, `4w`, `3mo`)",
    kinds.seconds: "seconds",
    kinds.secret: "text, secret",
    kinds.literal: "text",
    kinds.template: "text, secret; `${NAME}` is a variable",
    kinds.text: "text",
    deployment.organizations: "a list of texts",
    deployment.table_said: "a table",
    deployment.tiers: "a list of tables",
    general.retention: "a period, or `never`",
    listener.networks: "a list of networks",
    listener.public_url: "a URL",
    litellm.callbacks: "a list of texts",
    litellm.discount: "a share",
    litellm.refusal: "a status from 400 to 499",
    litellm.share: "a number",
    model_info.model_info: "a table",
    litellm.verification: "true, false or a file",
    router.strategy: "text",
}
"""How the value of a kind is written. One that has keys of its own is in `WITHIN`."""

WITHIN: Mapping[Any, Section] = {
    issuers.token_issuers: issuers.TOKEN_ISSUER,
    listener.cors: listener.CORS,
    listener.limits: listener.LIMITS,
    listener.proxies: listener.PROXIES,
    listener.timeouts: listener.TIMEOUTS,
    listener.tls: listener.TLS,
    litellm.margin: litellm.MARGIN,
    own_paths.own_paths: own_paths.OWN_PATH,
    router.alias: router.ALIAS,
    router.retry_policy: router.RETRY_POLICY,
}
LISTS = (issuers.token_issuers, own_paths.own_paths)
SHORT: Mapping[Any, str] = {router.alias: "text", litellm.margin: "a share"}
"""What may stand there instead of a table."""

MANY = (deployment.A_DEFAULT, deployment.FOR_ITS_OWN_FILE)
"""What is said of very many keys at once."""

SECTIONS: Mapping[str, tuple[Section, ...]] = {
    "model_list": (deployment.ENTRY, deployment.PARAMS),
    "router_settings": (router.ROUTER, router.RETRY_POLICY, router.ALIAS),
    "litellm_settings": (litellm.LITELLM, litellm.MARGIN),
    "general_settings": (
        *(general.GENERAL, listener.CORS, listener.TLS, listener.TIMEOUTS, listener.LIMITS, listener.PROXIES),
        *(own_paths.OWN_PATH, issuers.TOKEN_ISSUER),
    ),
    "credential_list": (credentials.CREDENTIALS,),
    "providers": (providers.PROVIDER,),
    "mcp_servers": (mcp.MCP_SERVER,),
}


def defaults(values: Any, prefix: str = "") -> dict[str, Any]:
    """What holds where nothing is said, by what a key fills. `values`: a Struct; its class where not all is known."""
    kind = values if isinstance(values, type) else type(values)
    return {
        prefix + field.name: getattr(values, field.name) if not isinstance(values, type) else field.default
        for field in msgspec.structs.fields(kind)
        if not isinstance(values, type) or field.default is not msgspec.NODEFAULT
    }


UPSTREAM = TimeoutSettings(
    connect_s=CONNECT_S, first_byte_s=FIRST_BYTE_S, gap_s=GAP_S, total_s=RouterSettings().timeout_s
)
SERVER = defaults(Rules())
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "model_list[]": {},
    "litellm_params": {},
    router.RETRY_POLICY.name: {},
    router.ALIAS.name: defaults(Alias),
    listener.CORS.name: defaults(Cors()),
    listener.TLS.name: {},
    listener.TIMEOUTS.name: defaults(UPSTREAM),
    listener.LIMITS.name: defaults(Limits()),
    listener.PROXIES.name: defaults(ProxySettings()),
    litellm.MARGIN.name: {},
    own_paths.OWN_PATH.name: defaults(OwnPath),
    issuers.TOKEN_ISSUER.name: defaults(TokenIssuer()),
    credentials.CREDENTIALS.name: {},
    providers.PROVIDER.name: {},
    mcp.MCP_SERVER.name: defaults(McpServer),
}
OF_THE_WHOLE = {
    **defaults(GeneralSettings(), "general."),
    **defaults(RouterSettings(), "router."),
    **defaults(Settings(), "settings."),
    "general.max_request_size_mb": Limits().body_bytes // 1024**2,
    "general.max_concurrent_requests": SERVER["requests_max"],
    "general.max_concurrent_streams": SERVER["streams_max"],
    "general.drains_max": SERVER["drains_max"],
    "general.drain_s": SERVER["drain_s"],
}


def listing() -> Iterator[str]:
    for name, sections in SECTIONS.items():
        yield from (f"## `{name}`", "")
        for section in sections:
            if section.name != name:
                yield from (f"### {_title(section)}", "")
            yield from _keys(section)
            yield from _unbuilt(section.keys.values())
    yield from ("## The file", "")
    yield "Beside the sections above: `include` and `environment_variables` ([values](configuration.md#values)), and"
    yield from ("`callbacks`, which is that of `litellm_settings`.", "")
    yield from _unbuilt(TOP.keys.values(), but=(*SECTIONS, "include", "environment_variables", "callbacks"))


def _title(section: Section) -> str:
    return f"`{section.name.rpartition('.')[2]}`" if section.name != "model_list[]" else "An entry"


def _keys(section: Section) -> Iterator[str]:
    yield from ("| key | value | default | what it does |", "|---|---|---|---|")
    filling = [key for key in section.keys.values() if key.sort == "fills"]
    many = []
    for _, found in groupby(filling, lambda key: (key.fills, key.about, written(key.kind))):
        keys = list(found)
        if keys[0].about in MANY:
            many.append(f"- {keys[0].about} ({written(keys[0].kind)}): {', '.join(f'`{key.name}`' for key in keys)}")
        else:
            yield _row(section, keys)
    for _, key in section.patterns:
        names = f"`{section.usual[0]}` and the other [prices](prices.md#prices-of-your-own)"
        yield f"| {names} | {written(key.kind)} | | {key.about} |"
    yield from ("", "Besides:", "", *many, "") if many else ("",)


def _row(section: Section, keys: list[Key]) -> str:
    first, *others = (f"`{key.name}`" for key in keys)
    names = f"{first} ({', '.join(others)})" if others else first
    known = DEFAULTS.get(section.name, OF_THE_WHOLE)
    default = shown(known[keys[0].fills], keys[0].kind) if keys[0].fills in known else ""
    return f"| {names} | {written(keys[0].kind)} | {default} | {keys[0].about} |".replace("|  |", "| |")


def _unbuilt(keys: Iterable[Key], but: Iterable[str] = ()) -> Iterator[str]:
    """What is known besides, folded: LiteLLM's keys that are not built, and those that have nothing to change here."""
    rest = [key for key in keys if key.sort != "fills" and key.name not in but]
    notes = sorted(rest, key=lambda key: (key.sort, key.note))
    lines = []
    for (sort, note), found in groupby(notes, lambda key: (key.sort, key.note)):
        names = ", ".join(f"`{key.name}`" for key in found)
        told = {"later": f"not built yet; {note}", "moot": "nothing to change here"}.get(sort, note)
        lines.append(f"- {told}: {names}")
    if lines:
        summary = f"Also known ({len(rest)})"
        yield from ('<details markdown="1">', f"<summary>{summary}</summary>", "", *lines, "", "</details>", "")


def written(kind: Any) -> str:
    """Raises KeyError for a kind that nobody described here."""
    match kind:
        case kinds.ListOf(kind=item):
            one = written(item)
            return f"a list of {'texts' if one == 'text' else one}"
        case kinds.MapOf(kind=item):
            return f"a table by name, each {written(item)}"
    if kind not in WITHIN:
        return WRITTEN[kind]
    section = WITHIN[kind]
    title = _title(section)
    linked = f"[{title}](#{title.strip('`')})"
    if kind in SHORT:
        return f"{SHORT[kind]} or {linked}"
    return f"a list of {linked}" if kind in LISTS else f"a table: {linked}"


def shown(value: Any, kind: Any) -> str:
    match value:
        case None | "" | () | dict() | msgspec.Struct():
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(f"`{item}`" for item in value)
        case float() | int() if kind in (kinds.period, general.retention):
            return _as_period(value)
        case float() | int():
            return str(int(value)) if value == int(value) else str(value)
    return f"`{value}`"


def _as_period(value: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if value % length == 0:
            return f"`{int(value / length)}{unit}`"
    return f"`{value:g}s`"


PART = Marked("docs/config-reference.md", "keys", "config_reference", listing)

if __name__ == "__main__":
    PART.main()
