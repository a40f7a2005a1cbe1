"""Each recorded exchange in a wire of ours has a row, and `resolve` gives the address that was really called."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

import pytest

from tests.shared import recordings
from tollbridge.providers.resolve import Given, resolve
from tollbridge.providers.row import RESPONSES
from tollbridge.providers.table import ROWS

ENDPOINTS = ("chat.completions", "messages", "messages.count_tokens", "chat")

RENAMED = {"together": "together_ai"}
"""The recordings' name -> LiteLLM's, where they differ."""

BASES = {
    "GPUSTACK_HOST": "http://GPUSTACK_HOST",
    "WORKSPACE.azuredatabricks.net": "https://WORKSPACE.azuredatabricks.net/serving-endpoints",
    "RESOURCE.openai.azure.com": "https://RESOURCE.openai.azure.com/",
    "RESOURCE.services.ai.azure.com": "https://RESOURCE.services.ai.azure.com",
    "ollama.com": "https://ollama.com/v1",
    "localhost:11434": "http://localhost:11434/v1",
    "127.0.0.1:11434": "http://127.0.0.1:11434/v1",
    "api.together.xyz": "https://api.together.xyz/v1",
}
"""`api_base` as its users write it, for hosts that are not the row's own."""

EXTRA = {"account_id": "ACCOUNT_ID", "aws_region_name": "us-east-1"}


def test_each_recorded_exchange_is_sent_where_it_was_sent() -> None:
    met: Counter[str] = Counter()
    for recorded in recordings(endpoints=ENDPOINTS):
        url = urlsplit(recorded["url"])
        provider, model = recorded["provider"], (recorded.get("request_body") or {}).get("model") or "m"
        if url.path.endswith(("/complete", "/completions")) and "chat" not in url.path:
            continue
        assert provider in ROWS or provider in RENAMED, recorded["id"]
        if provider == "perplexity":  # its chat is gone since (`providers/perplexity.py`)
            continue
        provider = RENAMED.get(provider, provider)
        if url.netloc == "RESOURCE.services.ai.azure.com":
            provider = "azure_ai"
        base = BASES.get(url.netloc)
        if url.netloc == "router.huggingface.co" and url.path != "/v1/chat/completions":
            base = recorded["url"].removesuffix("/chat/completions")
        if "/deployments/" in url.path:
            model = url.path.partition("/deployments/")[2].partition("/")[0]
        version = url.query.removeprefix("api-version=") if url.query.startswith("api-version") else None
        extra = {**EXTRA, "account_id": "ACCOUNT"} if provider == "snowflake" else EXTRA
        found = resolve(
            f"{provider}/{model}",
            given=Given(api_key="k", api_base=base, api_version=version, extra=extra),
            environ={},
            rows=ROWS,
        )
        target = found.count_tokens_path if recorded["endpoint"] == "messages.count_tokens" else found.path
        sent = url.path.replace("//", "/") + (f"?{url.query}" if version else "")
        assert (found.scheme, found.host, target) == (url.scheme, (url.hostname or "").lower(), sent), recorded["id"]
        met[provider] += 1
    print(f"\n{met.total()} recorded exchanges of {len(met)} providers: {dict(met)}")
    assert met.total() > 700
    assert len(met) >= 21


@pytest.mark.parametrize("provider", ["openai", "anthropic", "groq", "mistral", "deepseek", "openrouter"])
def test_a_recorded_body_is_one_that_the_row_does_not_cut(provider: str) -> None:
    """What a provider accepted is not among the fields that we say it refuses."""
    drops = 0
    for recorded in recordings(provider=provider, endpoints=("chat.completions", "messages")):
        body = recorded.get("request_body")
        if not isinstance(body, dict) or recorded["status"] != 200:
            continue
        row = ROWS[provider].for_model(str(body.get("model")))
        refused = row.drops & {name for name, value in body.items() if value is not None}
        assert not refused - {"stream_options"}, (recorded["id"], refused)
        drops += 1
    assert drops


def test_each_recorded_response_is_sent_where_it_was_sent() -> None:
    met: Counter[str] = Counter()
    for recorded in recordings(endpoints=("responses",)):
        url = urlsplit(recorded["url"])
        version = url.query.removeprefix("api-version=") or ("v1" if recorded["provider"] == "azure" else None)
        base = f"https://{url.netloc}" if recorded["provider"] == "azure" else None
        found = resolve(
            f"{recorded['provider']}/responses/{recorded['model'] or 'm'}",
            given=Given(api_key="k", api_base=base, api_version=version, extra=EXTRA),
            environ={},
            rows=ROWS,
        )
        sent = url.path + (f"?{url.query}" if url.query else "")
        assert (found.host, found.path) == ((url.hostname or "").lower(), sent), recorded["id"]
        met[recorded["provider"]] += 1
    assert met.total() > 200


ELSEWHERE = "/openai/v1/responses"
"""Where OpenAI's closed models are asked on Bedrock; their users write it into `api_base`."""


def test_each_recorded_exchange_in_the_responses_format_has_a_row_that_speaks_it() -> None:
    """At the provider's own address; Azure's are in test_azure.py."""
    met: Counter[str] = Counter()
    for recorded in recordings(endpoints=("responses",)):
        url = urlsplit(recorded["url"])
        provider = recorded["provider"]
        if provider == "azure" or url.path == ELSEWHERE:
            continue
        assert RESPONSES in ROWS[provider].also, recorded["id"]
        found = resolve(
            f"{provider}/{(recorded.get('request_body') or {}).get('model') or 'm'}",
            given=Given(api_key="k", extra=EXTRA),
            environ={},
            rows=ROWS,
            wire=RESPONSES,
        )
        assert (found.scheme, found.host, found.path) == (url.scheme, (url.hostname or "").lower(), url.path)
        met[provider] += 1
    assert len(met) >= 5
