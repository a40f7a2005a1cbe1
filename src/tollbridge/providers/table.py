"""The table of providers. One row is all that a provider needs that speaks a known wire; `rows/` has them by kind.

Names, environment variables and the meaning of `api_base` are LiteLLM's, so that a configuration moves over as it is.
`source`: the vendor's own page, or that page as a public register quotes it; where it is `RECORDED`, real exchanges of
the vendor's were read instead; where it is `LITELLM`, the address and the names of the variables are taken from litellm
1.109.1 and nothing else is claimed. `checked` is empty where nobody compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tollbridge.providers.row import Provider
from tollbridge.providers.rows.alone import ALONE
from tollbridge.providers.rows.aws import AWS
from tollbridge.providers.rows.clouds import CLOUDS
from tollbridge.providers.rows.gateways import GATEWAYS
from tollbridge.providers.rows.hosts import HOSTS
from tollbridge.providers.rows.local import DEMO, DEMO_HOST, LOCAL
from tollbridge.providers.rows.vendors import VENDORS

__all__ = ["ALIASES", "BARE", "DEMO", "DEMO_HOST", "KINDS", "ROWS"]

KINDS: Mapping[str, tuple[Provider, ...]] = {
    "vendor": VENDORS,
    "host": HOSTS,
    "cloud": (*CLOUDS, *AWS),
    "gateway": GATEWAYS,
    "local": LOCAL,
    "alone": ALONE,
}
ROWS: Mapping[str, Provider] = {row.name: row for rows in KINDS.values() for row in rows}

ALIASES: Mapping[str, str] = {
    "aiohttp_openai": "openai",
    "ai21_chat": "ai21",
    "azure_text": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "fireworks": "fireworks_ai",
    "digitalocean": "gradient_ai",
    "lmstudio": "lm_studio",
    "nanogpt": "nano-gpt",
    "ollama_chat": "ollama",
    "sagemaker_nova": "sagemaker_chat",
    "text-completion-codestral": "codestral",
    "text-completion-openai": "openai",
    "together": "together_ai",
    "venice": "veniceai",
    "vertex_ai_beta": "vertex_ai",
    "vllm": "hosted_vllm",
    "watsonx_text": "watsonx",
}
"""Other names in use for the same place."""

BARE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"(?:ft:)?(?:gpt-|chatgpt-|codex-|davinci|babbage|text-embedding-(?:3|ada))|o[1-9](?:-|$)", "openai"),
        (r"(?:dall-e|tts-|whisper-|sora-|omni-moderation|text-moderation|computer-use-)", "openai"),
        (r"claude(?:-|$)", "anthropic"),
        (r"gemini-|gemma-3n", "gemini"),
        (r"(?:open-)?(?:mistral|mixtral|ministral|magistral|codestral|devstral|pixtral|voxtral)-", "mistral"),
        (r"command(?:-|$)|c4ai-", "cohere"),
        (r"deepseek-", "deepseek"),
        (r"grok-", "xai"),
        (r"sonar(?:-|$)", "perplexity"),
        (r"qwen-(?:max|plus|turbo|flash|long|vl|coder)|qwq-plus|qwen3-max", "dashscope"),
        (r"kimi-|moonshot-", "moonshot"),
        (r"glm-", "zai"),
        (r"minimax-", "minimax"),
        (r"mimo-", "xiaomi_mimo"),
        (r"doubao-", "volcengine"),
        (r"step-\d", "stepfun"),
        (r"solar-(?:pro|mini)", "upstage"),
        (r"jamba-", "ai21"),
        (r"mercury(?:-|$)", "inception"),
        (r"palmyra-", "writer"),
        (r"reka-", "reka"),
        (r"sabia", "maritalk"),
        (r"sarvam-", "sarvam"),
        (r"v0-", "v0"),
    )
)
"""Who serves a model that is named without a provider and that the catalog does not know: decided by how it begins."""
