"""Writes the list of providers in docs/providers.md, from the rows.

python -m scripts.provider_list            writes it
python -m scripts.provider_list --check    says whether it is stale: exit code 1
"""

from __future__ import annotations

import re

from scripts.marked import Marked
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ALIASES, KINDS, ROWS
from tollbridge.providers.told import differences, source, told

TITLES = {
    "vendor": "Vendors: they make the models that they serve",
    "host": "Hosts of open models",
    "cloud": "Clouds",
    "gateway": "Gateways, which pass a request on to others",
    "local": "Servers of your own",
    "alone": "For tasks alone: they have no chat",
}
FORMATS = {
    "openai_chat": "chat",
    "openai_responses": "responses",
    "anthropic_messages": "messages",
    "gemini": "gemini",
    "bedrock_converse": "converse",
}


def listing() -> list[str]:
    compared = sum(bool(row.checked) for row in ROWS.values())
    lines = [
        f"{len(ROWS)} providers; {compared} were compared with a vendor's page or recorded exchanges on the day shown.",
        "The others show no day: their address and variables are of litellm 1.109.1, or what their users write;",
        "they are otherwise untried.",
    ]
    for kind, rows in KINDS.items():
        lines += ["", f"### {TITLES[kind]}", "", "| name | formats | address | key | what differs | compared |"]
        lines += ["|---|---|---|---|---|---|", *(line(row) for row in sorted(rows, key=lambda row: row.name))]
    named = ", ".join(f"`{alias}/` is `{name}/`" for alias, name in sorted(ALIASES.items()))
    return [*lines, "", f"Other names: {named}.", ""]


def line(row: Provider) -> str:
    formats = ", ".join(FORMATS.get(wire, wire) for wire in told(row).formats)
    address = f"`{row.base_url}`" if row.base_url else " or ".join(f"`{name}`" for name in row.base_env)
    keys = " or ".join(f"`{name}`" for name in (*row.key_env, *row.token_env)) or "none"
    optional = "" if row.needs_key or not row.key_env else " (optional)"
    said = source(row)
    linked = re.sub(r"^(https://\S+)", r"[its page](\1)", said)
    linked = re.sub(r"\(by (https://\S+)\)", r"by [models.dev](\1)", linked)
    compared = f"{row.checked}, {linked}" if row.checked else "no"
    return f"| `{row.name}/` | {formats} | {address} | {keys}{optional} | {'; '.join(differences(row))} | {compared} |"


PART = Marked("docs/providers.md", "rows", "provider_list", listing)

if __name__ == "__main__":
    PART.main()
