"""Azure's two ways to say where a model is, and the URL shapes of each.

Azure OpenAI (`azure/`), by the endpoint `https://NAME.openai.azure.com`, or by more of the URL
    deployment          {endpoint}/openai/deployments/{deployment}/chat/completions?api-version=2025-02-01-preview
    v1                  {endpoint}/openai/v1/chat/completions      where the version is `v1`, `latest` or `preview`
    a whole URL         used as it is; the version is added where it is missing
The model's name is the deployment's. LiteLLM's `o_series/` and `gpt5_series/` before it only say what model it is.

The Responses format has no deployment in its path; the body names it
    classic             {endpoint}/openai/responses?api-version=2025-04-01-preview
    v1                  {endpoint}/openai/v1/responses

Azure AI Foundry (`azure_ai/`), by the endpoint `https://NAME.services.ai.azure.com`, which takes `api-key`
    chat                {endpoint}/models/chat/completions?api-version=2024-05-01-preview, or {endpoint}/openai/v1/...
    Claude's models     {endpoint}/anthropic/v1/messages, in Anthropic's format, with `x-api-key`
    Responses           {endpoint}/openai/v1/responses
Other hosts (serverless, `*.models.ai.azure.com`) answer at once under their base and take a bearer token.

Sources: https://learn.microsoft.com/azure/ai-services/openai/reference,
https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle (seen 2026-11-21),
https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry (seen 2026-11-26), recorded exchanges,
and the default version that LiteLLM 1.109 uses.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote

import msgspec

from tollbridge.errors import AuthenticationError
from tollbridge.providers.address import Base, join
from tollbridge.providers.auth import Auth, Bearer, HeaderKey
from tollbridge.providers.row import Provider
from tollbridge.secret import Secret

VERSION_DEFAULT = "2025-02-01-preview"
MODELS_VERSION_DEFAULT = "2024-05-01-preview"
RESPONSES_VERSION_DEFAULT = "2025-04-01-preview"
V1_VERSIONS = frozenset({"v1", "latest", "preview"})

CHAT = "/chat/completions"
RESPONSES = "/responses"
CLAUDE = "/anthropic/v1/messages"


def deployment_name(model: str) -> str:
    for hint in ("o_series/", "gpt5_series/"):
        model = model.removeprefix(hint)
    return model


def openai_target(base: Base, deployment: str, version: str | None) -> str:
    """Path and query of an Azure OpenAI deployment's chat endpoint."""
    path = base.path
    if path.endswith(CHAT):
        return _versioned(path, base.query, None if path.endswith("/openai/v1" + CHAT) else version or VERSION_DEFAULT)
    if path.endswith("/openai/v1") or version in V1_VERSIONS:
        path = join(path if path.endswith("/openai/v1") else join(path, "/openai/v1"), CHAT)
        return _versioned(path, base.query, "preview" if version == "preview" else None)
    if "/openai/deployments/" not in path:
        path = join(path, f"/openai/deployments/{quote(deployment, safe='')}")
    return _versioned(join(path, CHAT), base.query, version or VERSION_DEFAULT)


def responses_target(base: Base, version: str | None) -> str:
    """Path and query of the Responses endpoint of an Azure OpenAI resource."""
    path = base.path.removesuffix(CHAT).removesuffix(RESPONSES).partition("/openai/deployments/")[0]
    if path.endswith("/openai/v1") or version in V1_VERSIONS:
        path = path if path.endswith("/openai/v1") else join(path, "/openai/v1")
        return _versioned(path + RESPONSES, base.query, "preview" if version == "preview" else None)
    return _versioned(join(path, "/openai" + RESPONSES), base.query, version or RESPONSES_VERSION_DEFAULT)


def check_token(token: Secret, provider: str) -> None:
    """Raises AuthenticationError, the operator's, for LiteLLM's way to name a token that is elsewhere."""
    if token.reveal().startswith("oidc/"):
        raise AuthenticationError(
            f"{provider}: a token cannot be named as `oidc/...` here: name its file as `azure_federated_token_file`.",
            code="cloud_credentials",
            param="azure_ad_token",
            fault="operator",
            provider=provider,
        )


def foundry_row(row: Provider, base: Base, model: str) -> Provider:
    """The row with the format of the model's maker: Claude's models speak Anthropic's, and are shown a key its way."""
    claude = model.rpartition("/")[2].lower().startswith("claude") or base.path.endswith("/anthropic")
    if row.wire != "openai_chat" or not claude:
        return row
    return msgspec.structs.replace(
        row, wire="anthropic_messages", chat_path=CLAUDE, auth=HeaderKey("x-api-key"), count_tokens=True
    )


def foundry_target(base: Base, version: str | None, path: str) -> str:
    """Path and query of one of Azure AI Foundry's endpoints."""
    root = base.path.removesuffix(CHAT)
    if path == CLAUDE:
        return _versioned(join(root.removesuffix("/models"), CLAUDE), base.query, None)
    if path == RESPONSES:
        return _versioned(join(join(root.removesuffix("/models"), "/openai/v1"), RESPONSES), base.query, None)
    if root.endswith("/openai/v1") or not _is_foundry(base):
        return _versioned(join(root, path), base.query, version)
    return _versioned(join(join(root, "/models"), path), base.query, version or MODELS_VERSION_DEFAULT)


def foundry_auth(base: Base, row: Provider) -> Auth:
    return row.authentication if row.chat_path == CLAUDE or _is_foundry(base) else Bearer()


def _is_foundry(base: Base) -> bool:
    return base.host.endswith((".services.ai.azure.com", ".openai.azure.com", ".cognitiveservices.azure.com"))


def _versioned(path: str, query: str, version: str | None) -> str:
    if version is not None and not any(name == "api-version" for name, _ in parse_qsl(query)):
        query = f"{query}&api-version={quote(version)}" if query else f"api-version={quote(version)}"
    return f"{path}?{query}" if query else path
