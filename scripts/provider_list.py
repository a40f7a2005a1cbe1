"""Writes the list of providers in docs/providers.md, from the rows.

python scripts/provider_list.py            writes it
python scripts/provider_list.py --check    says whether it is stale: exit code 1
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tollbridge.providers.row import Provider
from tollbridge.providers.table import ALIASES, KINDS, ROWS
from tollbridge.providers.told import differences, source

PAGE = Path(__file__).resolve().parents[1] / "docs/providers.md"
BEGIN, END = "<!-- the rows, by scripts/provider_list.py -->\n", "<!-- the end of the rows -->\n"
TITLES = {
    "vendor": "Vendors: they make the models that they serve",
    "host": "Hosts of open models",
    "cloud": "Clouds",
    "gateway": "Gateways, which pass a request on to others",
    "local": "Servers of your own",
    "alone": "For embeddings and ranking alone",
}
FORMATS = {
    "openai_chat": "chat",
    "openai_responses": "responses",
    "anthropic_messages": "messages",
    "gemini": "gemini",
    "bedrock_converse": "converse",
}


def listing() -> str:
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
    return "\n".join([*lines, "", f"Other names: {named}.", ""])


def line(row: Provider) -> str:
    formats = ", ".join(FORMATS.get(wire, wire) for wire in (row.wire, *row.also))
    address = f"`{row.base_url}`" if row.base_url else " or ".join(f"`{name}`" for name in row.base_env)
    keys = " or ".join(f"`{name}`" for name in (*row.key_env, *row.token_env)) or "none"
    optional = "" if row.needs_key or not row.key_env else " (optional)"
    said = source(row)
    linked = re.sub(r"^(https://\S+)", r"[its page](\1)", said)
    linked = re.sub(r"\(by (https://\S+)\)", r"by [models.dev](\1)", linked)
    compared = f"{row.checked}, {linked}" if row.checked else "no"
    return f"| `{row.name}/` | {formats} | {address} | {keys}{optional} | {'; '.join(differences(row))} | {compared} |"


def page(text: str) -> str:
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{listing()}\n{END}{tail}"


def main() -> None:
    before = PAGE.read_text()
    after = page(before)
    if "--check" in sys.argv[1:]:
        if before != after:
            sys.exit("docs/providers.md is stale: run `python scripts/provider_list.py`.")
        return
    PAGE.write_text(after)


if __name__ == "__main__":
    main()
