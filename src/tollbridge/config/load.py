"""`load`: a path -> the configuration and all that is to be said about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tollbridge.config import crosscheck
from tollbridge.config.credentials import read_credentials, with_credentials
from tollbridge.config.document import Entry, Scalar, Table, node_of, table
from tollbridge.config.environment import Environment, read_variables, resolve, tell_missing
from tollbridge.config.findings import Finding, Findings, Place
from tollbridge.config.include import Gathered
from tollbridge.config.kinds import At
from tollbridge.config.master_key import weak_key
from tollbridge.config.mcp import read_mcp_servers
from tollbridge.config.models import read_models
from tollbridge.config.own_headers import with_variables
from tollbridge.config.schema import (
    Filled,
    guards,
    later,
    moot,
    read_section,
    section,
    tell_absent,
    unknown_key,
)
from tollbridge.config.settings import Config, GeneralSettings, ModelEntry, RouterSettings, Settings
from tollbridge.config.tables.deployment import PARAMS
from tollbridge.config.tables.general import GENERAL
from tollbridge.config.tables.litellm import LITELLM, callbacks
from tollbridge.config.tables.providers import OwnProviders, read_providers
from tollbridge.config.tables.router import ROUTER
from tollbridge.model.json import JsonObject
from tollbridge.providers.table import ROWS

PRECEDENCE = (ROUTER, LITELLM, GENERAL)
"""Where two sections say the same thing differently, the first of these wins."""

FREE_PREFIXES = ("x-", "_", ".")
"""A top-level key that begins so is the operator's own: a place for anchors."""

TOP = section(
    "the file",
    moot("model_list", "providers", "environment_variables", "include", "mcp_servers", "credential_list"),
    moot(*(one.name for one in PRECEDENCE)),
    moot("callbacks"),
    guards("guardrails", "policies", "policy_attachments"),
    later(
        "prompts",
        "vector_store_registry",
        "search_tools",
        "mcp_tools",
        "assistant_settings",
        "files_settings",
        "finetune_settings",
        "callback_settings",
        "agent_list",
        "agents",
        "sandbox_tools",
        "worker_registry",
        "worker_startup_hooks",
        "default_vertex_config",
    ),
)


__all__ = ["Loaded", "load", "load_value", "weak_key"]


class Loaded(msgspec.Struct, frozen=True):
    """`config` is None where a finding is an error; `draft` is what could be read then too, for checks that go on: what
    has an error serves nothing in it. `environ` is the environment with what the file adds to it."""

    config: Config | None
    findings: tuple[Finding, ...]
    environ: Environment
    draft: Config


def load(path: Path | None, environ: Mapping[str, str], *, open_door: bool = False) -> Loaded:
    """Read a configuration; without a path, the one that says nothing. Never raises: what is wrong is a finding.

    `open_door`: the gateway will serve loopback without a key, so a weak one does no harm."""
    if path is None:
        return Loaded(Config(), (), Environment(environ), Config())
    findings = Findings()
    gathered = Gathered(environ, findings)
    top = gathered.read(path)
    at = At("", findings)
    view = _environment(top, environ, findings)
    resolved = resolve(with_variables(top, view), view, findings)
    config = _read(resolved, at, open_door) if isinstance(resolved, Table) else Config()
    config = msgspec.structs.replace(config, source=path, files=tuple(gathered.files))
    return Loaded(None if findings.fatal else config, findings.all(), view, config)


def load_value(said: JsonObject, environ: Mapping[str, str], name: str) -> Loaded:
    """A configuration that a program says. `name`: what findings call it. Never raises."""
    findings = Findings()
    view = Environment(environ)
    top = resolve(with_variables(node_of(said, Place(name)), view), view, findings)
    config = _read(top, At("", findings), True) if isinstance(top, Table) else Config()
    return Loaded(None if findings.fatal else config, findings.all(), view, config)


def _environment(top: Table, environ: Mapping[str, str], findings: Findings) -> Environment:
    variables = top.entries.get("environment_variables")
    if variables is None or (isinstance(variables.node, Scalar) and variables.node.value is None):
        return Environment(environ)
    if not isinstance(variables.node, Table):
        At("environment_variables", findings).expected("a table", variables.node)
        return Environment(environ)
    return Environment(environ, read_variables(variables.node, environ, findings))


def _read(top: Table, at: At, open_door: bool) -> Config:
    nodes = {name: entry.node for name, entry in top.entries.items() if not name.startswith(FREE_PREFIXES)}
    for name in nodes:
        _check_top(name, top.entries[name], at.key(name))
    fields = _settled(
        [
            read_section(nodes[one.name], one, at.key(one.name), [o for o in (*PRECEDENCE, TOP) if o is not one])
            for one in PRECEDENCE
            if one.name in nodes
        ]
    )
    providers = read_providers(nodes["providers"], at.key("providers")) if "providers" in nodes else OwnProviders()
    mcp_servers = read_mcp_servers(nodes["mcp_servers"], at.key("mcp_servers")) if "mcp_servers" in nodes else ()
    models: tuple[ModelEntry, ...] = ()
    known = {**ROWS, **providers.rows}
    crosscheck.check_charged(fields, known)
    crosscheck.check_mcp_aliases(fields, [server.name for server in mcp_servers])
    if "model_list" in nodes:
        at_models = at.key("model_list")
        written = nodes.get("credential_list")
        credentials = {} if written is None else read_credentials(written, at.key("credential_list"))
        filled = with_credentials(nodes["model_list"], credentials, at_models)
        aliased = fields.get("settings.model_aliases")
        models = read_models(filled, at_models, known, PRECEDENCE, {} if aliased is None else aliased.value)
    general = GeneralSettings(**_under("general", fields))
    settings = Settings(**_under("settings", fields))
    if "callbacks" in nodes and not settings.callbacks:  # LiteLLM takes them at the top as well
        told = callbacks(nodes["callbacks"], at.key("callbacks"))
        settings = msgspec.structs.replace(settings, callbacks=told)
    database, key = fields.get("general.database_url"), fields.get("general.master_key")
    crosscheck.check(fields, models, at.key("model_list"), open_door=open_door or general.open_on_loopback)
    tell_missing(table({name: top.entries[name] for name in nodes}, top.place), at.findings)
    return Config(
        models=models,
        providers=providers.values,
        mcp_servers=mcp_servers,
        settings=settings,
        router=RouterSettings(**_under("router", fields)),
        general=general,
        database_place=None if database is None else database.node.place,
        master_key_variable=key.node.variable if key is not None and isinstance(key.node, Scalar) else None,
    )


def _check_top(name: str, entry: Entry, at: At) -> None:
    key = TOP.key(name)
    if key is None:
        at.error(entry.place, unknown_key(name, TOP, (*PRECEDENCE, PARAMS)))
    else:
        tell_absent(key, entry, at)


def _settled(sections: list[dict[str, list[Filled]]]) -> dict[str, Filled]:
    """One value for each field: the first section's. Another value elsewhere is a warning there."""
    settled: dict[str, Filled] = {}
    for filled in sections:
        for field, found in filled.items():
            for one in found:
                winner = settled.setdefault(field, one)
                if winner.value != one.value:
                    one.at.warning(one.place, f"{winner.at.path} says otherwise, and wins")
    return settled


def _under(name: str, fields: Mapping[str, Filled]) -> dict[str, Any]:
    prefix = f"{name}."
    return {f.removeprefix(prefix): one.value for f, one in fields.items() if f.startswith(prefix)}
