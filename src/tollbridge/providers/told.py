"""A row in words that somebody can read: for the page in docs/ and the command `providers`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.providers import vertex
from tollbridge.providers.auth import SigV4
from tollbridge.providers.aws_account import KEYS as AWS_KEYS
from tollbridge.providers.row import WIRES, ForModels, Provider
from tollbridge.providers.rows.alike import LITELLM
from tollbridge.providers.table import ALIASES, KINDS, ROWS
from tollbridge.providers.tasks import formats

NATIVE = "native"
SCHEMAS = {"json": "its JSON mode, and words", "tool": "a forced tool", "words": "words", NATIVE: NATIVE}


class ModelsTold(msgspec.Struct, frozen=True, kw_only=True):
    """In what some models differ. `models`: a regular expression that the beginning of a name matches."""

    models: str
    lacks: list[str]
    drops: list[str]
    renames: dict[str, str]
    thinking: str
    patches: list[str]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What `tollbridge providers --json` prints of a row; this shape is kept.

    `kind`: a word of `table.KINDS`, or `own` for a row of the operator's. `aliases`: other names for it. `formats`: the
    first is its own. `address`: what `api_base` is where nobody says, "" where somebody must; `address_variables`,
    `key_variables`: of the environment, the first that is set counts. `wants`: what else a deployment says, or the
    environment in these variables. `lacks`: words of `wires.base.FEATURES`.
    `drops`: fields that are left out; `renames`: those that get its own names. `thinking`: how it is told to think, a
    style of `openai_chat.thinking`, "" where a client's words go on as they are. `schema`: how an answer is held to a
    JSON Schema: `native`, `tool`, `json` or `words`. `patches`: other changes to a body, by name. `models`: what some
    models add. `checked`: the day when the facts were compared with `source`, "" where nobody did.
    """

    name: str
    kind: str
    aliases: list[str]
    formats: list[str]
    address: str
    address_variables: list[str]
    key_variables: list[str]
    needs_key: bool
    wants: dict[str, list[str]]
    lacks: list[str]
    drops: list[str]
    renames: dict[str, str]
    thinking: str
    schema: str
    patches: list[str]
    models: list[ModelsTold]
    local: bool
    tells_cost: bool
    source: str
    checked: str


_KIND_OF: Mapping[str, str] = {row.name: kind for kind, rows in KINDS.items() for row in rows}


def told(row: Provider) -> Told:
    return Told(
        name=row.name,
        kind=_KIND_OF[row.name] if ROWS.get(row.name) is row else "own",
        aliases=sorted(alias for alias, name in ALIASES.items() if name == row.name),
        formats=formats(row),
        address=vertex.ADDRESS if row.shape == "vertex" else row.base_url,
        address_variables=list(row.base_env),
        key_variables=[*row.key_env, *row.token_env],
        needs_key=row.needs_key,
        wants=_wants(row),
        lacks=sorted(row.lacks),
        drops=sorted(row.drops),
        renames=dict(row.renames),
        thinking=row.prefers.get("reasoning", ""),
        schema=_schema(row),
        patches=[patch.__name__ for patch in row.patches],
        models=[_of_models(rule) for rule in row.models],
        local=row.local,
        tells_cost=row.tells_cost,
        source=row.source,
        checked=row.checked,
    )


def _wants(row: Provider) -> dict[str, list[str]]:
    wanted = {hole.given: list(hole.environ) for hole in row.holes.values()}
    if row.shape == "vertex":
        wanted.update({name: list(variables) for name, variables in vertex.WANTS.items()})
    if isinstance(row.authentication, SigV4):
        wanted.update({name: [name.upper()] for name in AWS_KEYS})
    return wanted


def _schema(row: Provider) -> str:
    if "response_schema" not in row.lacks:
        return NATIVE
    forced = row.lacks.isdisjoint({"tools", "tool_choice"}) and row.prefers.get("response_schema") != "json"
    return "tool" if forced else "words" if "response_json" in row.lacks else "json"


def _of_models(rule: ForModels) -> ModelsTold:
    return ModelsTold(
        models=rule.names.pattern,
        lacks=sorted(rule.lacks),
        drops=sorted(rule.drops),
        renames=dict(rule.renames),
        thinking=rule.prefers.get("reasoning", ""),
        patches=[patch.__name__ for patch in rule.patches],
    )


def differences(row: Provider) -> list[str]:
    """In what it differs from its format, in short sentences."""
    said = told(row)
    words = []
    if said.lacks:
        words.append(f"lacks {', '.join(said.lacks)}")
    if said.schema != NATIVE:
        words.append(f"schema by {SCHEMAS[said.schema]}")
    if said.drops:
        words.append(f"without {', '.join(f'`{name}`' for name in said.drops)}")
    own = WIRES[row.wire].renames
    renamed = [f"`{old}` as `{new}`" for old, new in said.renames.items() if own.get(old) != new]
    if renamed:
        words.append(", ".join(renamed))
    if said.thinking:
        words.append(f"thinking: `{said.thinking}`")
    if said.patches:
        words.append(", ".join(name.replace("_", " ") for name in said.patches))
    if said.models:
        words.append("some models differ")
    if isinstance(row.auth, SigV4):
        words.append("signed as AWS wants it where no key is told")
    if row.account is not None:
        words.append("takes tokens that run out")
    if said.tells_cost:
        words.append("tells what it charged")
    return words


def source(row: Provider) -> str:
    """Where the facts are from, as a reader can judge it."""
    if row.source == LITELLM:
        return "litellm 1.109.1, not compared with the vendor's pages"
    return row.source if row.checked else f"not looked up; {row.source} should tell"
