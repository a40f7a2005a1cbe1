"""What rows share: words, and the providers that need no more than a line."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.providers.auth import Auth, Bearer
from tollbridge.providers.row import RESPONSES, ForModels, Provider

CHECKED, SEEN, NOT_YET = "2026-11-21", "2026-11-26", ""
RECORDED = "recorded exchanges"
LITELLM = "https://pypi.org/project/litellm/1.109.1/"


def register(name: str, page: str) -> str:
    """The vendor's page, as the register models.dev quotes it in its file of this name."""
    return f"{page} (by https://github.com/anomalyco/models.dev/blob/dev/providers/{name}/provider.toml)"


NOTHING: Mapping[str, str] = {}

CHAT = "openai_chat"
MESSAGES = "anthropic_messages"
GEMINI = "gemini"
COHERE = "cohere"
OLLAMA = "ollama"
SPEAKS_RESPONSES = {RESPONSES: "/responses"}
SPEAKS_MESSAGES = {MESSAGES: "/messages"}
SPEAKS_BOTH = {**SPEAKS_RESPONSES, **SPEAKS_MESSAGES}

OLD_NAME = {"max_tokens": "max_tokens", "system_role": "system"}
OLD_FIELD = {"max_completion_tokens": "max_tokens"}
PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
NO_VIDEO = frozenset({"video"})  # https://platform.openai.com/docs/api-reference/chat (seen 2026-11-26)
TOP_K = frozenset({"top_k"})  # not in these vendors' references (seen 2026-11-21); they refuse unknown arguments


def hosted(
    name: str,
    base_url: str,
    *key_env: str,
    base_env: str | None = None,
    source: str = LITELLM,
    checked: str = NOT_YET,
    also: Mapping[str, str] = NOTHING,
    auth: Auth | None = None,
    lacks: frozenset[str] = frozenset(),
    reasoning: str = "",
    old_names: bool = False,
    tells_cost: bool = False,
    models: tuple[ForModels, ...] = (),
    root_url: str = "",
) -> Provider:
    """A vendor with OpenAI's format at `base_url`. `reasoning`: how it wants to be told about thinking, a word of
    `wires.openai_chat.thinking`. `old_names`: it knows `max_tokens` and `system`, not what OpenAI calls them now.
    `checked`: the day when it was compared with its `source` (YYYY-MM-DD)."""
    variable = name.upper().replace("-", "_")
    prefers = dict(OLD_NAME) if old_names else {}
    if reasoning:
        prefers["reasoning"] = reasoning
    return Provider(
        name=name,
        wire=CHAT,
        base_url=base_url,
        root_url=root_url,
        also=also,
        auth=Bearer() if also and auth is None else auth,
        base_env=(base_env or f"{variable}_API_BASE",),
        key_env=key_env or (f"{variable}_API_KEY",),
        lacks=lacks,
        prefers=prefers,
        renames=OLD_FIELD if old_names else NOTHING,
        tells_cost=tells_cost,
        models=models,
        source=source,
        checked=checked,
    )


def local(
    name: str,
    base_url: str,
    *,
    source: str,
    bare_path: str = "/v1",
    prefers: Mapping[str, str] = NOTHING,
    models: tuple[ForModels, ...] = (),
    checked: str = CHECKED,
) -> Provider:
    """A server of one's own: no key needed. One whose `api_base` is only a host answers under `/v1`."""
    variable = name.upper()
    return Provider(
        name=name,
        wire=CHAT,
        base_url=base_url,
        bare_path=bare_path,
        base_env=(f"{variable}_API_BASE",),
        key_env=(f"{variable}_API_KEY",),
        needs_key=False,
        prefers=prefers,
        models=models,
        local=True,
        source=source,
        checked="" if source == LITELLM else checked,
    )
