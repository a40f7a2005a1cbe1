"""Which models and MCP servers there are here, for whoever gives a key a right to them."""

from __future__ import annotations

from tollbridge.admin.key_doubts import Known
from tollbridge.config.crosscheck import names_of
from tollbridge.config.mcp import read_said
from tollbridge.config.models import access_groups
from tollbridge.config.settings import Config
from tollbridge.errors import ConfigError
from tollbridge.store.mcp_servers import McpServerStore


async def known_names(config: Config, added: McpServerStore) -> Known:
    """Without a `model_list` any provider's model may be asked for. Raises StoreUnavailable."""
    groups = access_groups(config.models)
    names = names_of(config.models).with_aliases((*config.router.aliases, *groups))
    servers, within = set[str](), set[str]()
    described = list(config.mcp_servers)
    for kept in await added.list():
        servers |= {kept.id, kept.name}
        try:
            described.append(read_said(kept.said)[0])
        except ConfigError:
            continue  # it is not served, which the log tells
    for server in described:
        spelled = {server.name, server.alias or server.name}
        servers |= spelled | {name.replace(" ", "_") for name in spelled}
        within |= set(server.groups)
    servers |= set(config.settings.mcp_aliases)
    return Known(names.known if config.models else None, names.exact, servers, within)
