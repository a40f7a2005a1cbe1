"""What rows share: words, and the providers that need no more than a line."""

from __future__ import annotations

from tollbridge.providers.row import RESPONSES, Provider

CHECKED = "2026-11-21"
RECORDED = "recorded exchanges"
LITELLM = "https://pypi.org/project/litellm/1.109.1/"

CHAT = "openai_chat"
MESSAGES = "anthropic_messages"
GEMINI = "gemini"
COHERE = "cohere"
OLLAMA = "ollama"
SPEAKS_RESPONSES = {RESPONSES: "/responses"}

OLD_NAME = {"max_tokens": "max_tokens", "system_role": "system"}
OLD_FIELD = {"max_completion_tokens": "max_tokens"}
PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
NO_VIDEO = frozenset({"video"})  # https://platform.openai.com/docs/api-reference/chat (seen 2026-11-26)
TOP_K = frozenset({"top_k"})  # not in these vendors' references (seen 2026-11-21); they refuse unknown arguments


def hosted(name: str, base_url: str, *key_env: str, base_env: str | None = None, source: str = LITELLM) -> Provider:
    """A vendor with OpenAI's format at `base_url`, and no quirk that we know of."""
    variable = name.upper().replace("-", "_")
    return Provider(
        name=name,
        wire=CHAT,
        base_url=base_url,
        base_env=(base_env or f"{variable}_API_BASE",),
        key_env=key_env or (f"{variable}_API_KEY",),
        source=source,
        checked=CHECKED,
    )


def local(name: str, base_url: str, *, source: str, bare_path: str = "/v1", reasoning: str = "") -> Provider:
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
        prefers={"reasoning_field": reasoning} if reasoning else {},
        local=True,
        source=source,
        checked=CHECKED,
    )
