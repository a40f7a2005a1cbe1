"""The table of providers. One row is all that a provider needs that speaks a known wire.

Names, environment variables and the meaning of `api_base` are LiteLLM's, so that a configuration moves over as it is.
`source`: the vendor's own page; where it is `RECORDED`, real exchanges of the vendor's were read instead; where it is
`LITELLM`, the address and the names of the variables are taken from litellm 1.109.1 and nothing else is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tollbridge.providers import patches
from tollbridge.providers.auth import Bearer, HeaderKey, NoAuth
from tollbridge.providers.row import RESPONSES, ForModels, From, Provider

CHECKED = "2026-11-21"
RECORDED = "recorded exchanges"
LITELLM = "https://pypi.org/project/litellm/1.109.1/"

CHAT = "openai_chat"
MESSAGES = "anthropic_messages"
_SPEAKS_RESPONSES = {RESPONSES: "/responses"}
GEMINI = "gemini"

_OLD_NAME = {"max_tokens": "max_tokens", "system_role": "system"}
_OLD_FIELD = {"max_completion_tokens": "max_tokens"}
_PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
_NO_VIDEO = frozenset({"video"})  # https://platform.openai.com/docs/api-reference/chat (seen 2026-11-26)
_TOP_K = frozenset({"top_k"})  # not in these vendors' references (seen 2026-11-21); they refuse unknown arguments

_OPENAI_MODELS = (
    # o-series and gpt-5 (not 5.1 and later, not the chat models) refuse sampling and, from o3 on, `stop`; all reasoning
    # models refuse `max_tokens`. https://platform.openai.com/docs/guides/reasoning and recorded refusals.
    ForModels(
        names=re.compile(r"o[1-9]|gpt-[5-9]|codex"),
        prefers={"max_tokens": "max_completion_tokens"},
        renames={"max_tokens": "max_completion_tokens"},
    ),
    ForModels(
        names=re.compile(r"o[1-9]|gpt-5(?:-(?!chat)|$)"),
        drops=_PENALTIES | {"temperature", "top_p", "logprobs", "top_logprobs", "logit_bias"},
        lacks=_PENALTIES | {"temperature", "top_p", "logprobs", "top_logprobs"},
    ),
    ForModels(
        names=re.compile(r"o[3-9](?!-mini)|o4|gpt-5(?:-(?!chat)|$)"),
        drops=frozenset({"stop"}),
        lacks=frozenset({"stop"}),
    ),
    ForModels(names=re.compile(r"o1-(?:mini|preview)"), lacks=frozenset({"system", "tools", "tool_choice"})),
)

DEMO_HOST = "demo.invalid"
DEMO = Provider(
    name="demo",
    wire=CHAT,
    base_url=f"http://{DEMO_HOST}/v1",
    auth=NoAuth(),
    needs_key=False,
    local=True,
    source="providers/demo.py",
    checked=CHECKED,
)
"""Answers in this process; the host is one that no network has (RFC 6761)."""

_FIRST = (
    DEMO,
    Provider(
        name="openai",
        wire=CHAT,
        base_url="https://api.openai.com/v1",
        also=_SPEAKS_RESPONSES,
        base_env=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        key_env=("OPENAI_API_KEY",),
        header_values={
            "openai-organization": From("organization", ("OPENAI_ORGANIZATION", "OPENAI_ORG_ID")),
            "openai-project": From("project", ("OPENAI_PROJECT", "OPENAI_PROJECT_ID")),
        },
        lacks=_TOP_K | _NO_VIDEO,
        models=_OPENAI_MODELS,
        source="https://platform.openai.com/docs/api-reference/chat",
        checked=CHECKED,
    ),
    Provider(
        name="anthropic",
        wire=MESSAGES,
        base_url="https://api.anthropic.com",
        base_env=("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
        key_env=("ANTHROPIC_API_KEY",),
        token_env=("ANTHROPIC_AUTH_TOKEN",),
        auth=HeaderKey("x-api-key", tokens=("sk-ant-oat",)),
        count_tokens=True,
        source="https://docs.anthropic.com/en/api/messages",
        checked=CHECKED,
    ),
    Provider(
        name="azure",
        wire=CHAT,
        also=_SPEAKS_RESPONSES,
        base_env=("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
        key_env=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        token_env=("AZURE_AD_TOKEN",),
        auth=HeaderKey("api-key"),
        lacks=_TOP_K | _NO_VIDEO,
        models=_OPENAI_MODELS,
        shape="azure",
        source="https://learn.microsoft.com/azure/ai-services/openai/reference",
        checked=CHECKED,
    ),
    Provider(
        name="azure_ai",
        wire=CHAT,
        base_env=("AZURE_AI_API_BASE",),
        key_env=("AZURE_AI_API_KEY",),
        token_env=("AZURE_AD_TOKEN",),
        auth=HeaderKey("api-key"),
        models=_OPENAI_MODELS,
        shape="azure_ai",
        source="https://learn.microsoft.com/rest/api/aifoundry/model-inference",
        checked=CHECKED,
    ),
    Provider(
        name="gemini",
        wire=GEMINI,
        base_url="https://generativelanguage.googleapis.com/v1beta",
        bare_path="/v1beta",
        base_env=("GEMINI_API_BASE",),
        key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        count_tokens=True,
        # "Developer instruction is not enabled for models/gemma-3-27b-it", and likewise of functions and JSON:
        # https://github.com/0xPlaygrounds/rig/issues/788 (seen 2026-11-26)
        models=(
            ForModels(
                names=re.compile("gemma-3-"),
                lacks=frozenset({"system", "tools", "response_json", "response_schema"}),
            ),
        ),
        source="https://ai.google.dev/api/generate-content",
        checked="2026-11-26",
    ),
    Provider(
        name="vertex_ai",
        wire=GEMINI,
        base_env=("VERTEXAI_API_BASE", "VERTEX_API_BASE"),
        key_env=("VERTEXAI_API_KEY",),
        auth=HeaderKey("x-goog-api-key", tokens=("ya29.",)),
        shape="vertex",
        models=(ForModels(names=re.compile("claude"), patches=(patches.vertex_messages,)),),
        source="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
        checked="2026-11-26",
    ),
)

_WITH_QUIRKS = (
    Provider(
        name="mistral",
        wire=CHAT,
        base_url="https://api.mistral.ai/v1",
        base_env=("MISTRAL_API_BASE", "MISTRAL_AZURE_API_BASE"),
        key_env=("MISTRAL_API_KEY", "MISTRAL_AZURE_API_KEY"),
        drops=frozenset(
            {"user", "logprobs", "top_logprobs", "logit_bias", "store", "service_tier", "stream_options", "verbosity"}
            | {"modalities", "audio", "web_search_options", "functions", "function_call"}
        ),
        lacks=_TOP_K | {"user", "logprobs", "top_logprobs", "stream_usage"},
        prefers={**_OLD_NAME, "seed": "random_seed"},
        renames={**_OLD_FIELD, "seed": "random_seed"},
        patches=(patches.developer_is_system, patches.short_tool_ids, patches.mistral_messages),
        models=(
            ForModels(
                names=re.compile(r"magistral|mistral-(?:small|medium)"),
                prefers={"reasoning_field": "thinking_parts"},
                patches=(patches.thinking_as_parts,),
            ),
        ),
        source="https://docs.mistral.ai/api",
        checked=CHECKED,
    ),
    Provider(
        name="deepseek",
        wire=CHAT,
        base_url="https://api.deepseek.com",
        also=_SPEAKS_RESPONSES,
        base_env=("DEEPSEEK_API_BASE",),
        key_env=("DEEPSEEK_API_KEY",),
        lacks=frozenset({"response_schema", "choices"}),
        prefers={**_OLD_NAME, "reasoning_field": "reasoning_content", "reasoning": "thinking", "content": "string"},
        renames=_OLD_FIELD,
        patches=(patches.developer_is_system, patches.texts_as_strings, patches.keep_reasoning_of_tool_turns),
        source="https://api-docs.deepseek.com/guides/thinking_mode",
        checked=CHECKED,
    ),
    Provider(
        name="groq",
        wire=CHAT,
        base_url="https://api.groq.com/openai/v1",
        base_env=("GROQ_API_BASE",),
        key_env=("GROQ_API_KEY",),
        drops=frozenset({"logprobs", "top_logprobs", "logit_bias"}),
        lacks=_TOP_K | {"logprobs", "top_logprobs", "choices", "reasoning_history"},
        prefers={"system_role": "system"},
        patches=(patches.developer_is_system, patches.standard_messages),
        source="https://console.groq.com/docs/openai",
        checked=CHECKED,
    ),
    Provider(
        name="cerebras",
        wire=CHAT,
        base_url="https://api.cerebras.ai/v1",
        base_env=("CEREBRAS_API_BASE",),
        key_env=("CEREBRAS_API_KEY",),
        drops=_PENALTIES | {"logit_bias", "parallel_tool_calls", "service_tier"},
        lacks=_PENALTIES | {"parallel_tools", "reasoning_history"},
        prefers={"system_role": "system"},
        patches=(patches.developer_is_system, patches.standard_messages),
        source="https://inference-docs.cerebras.ai/resources/openai",
        checked=CHECKED,
    ),
    Provider(
        name="perplexity",
        wire=CHAT,
        base_url="https://api.perplexity.ai",
        base_env=("PERPLEXITY_API_BASE",),
        key_env=("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
        prefers=_OLD_NAME,
        renames=_OLD_FIELD,
        patches=(patches.developer_is_system,),
        tells_cost=True,
        source="https://docs.perplexity.ai/api-reference/chat-completions-post",
        checked=CHECKED,
    ),
    Provider(
        name="xai",
        wire=CHAT,
        base_url="https://api.x.ai/v1",
        also=_SPEAKS_RESPONSES,
        base_env=("XAI_API_BASE",),
        key_env=("XAI_API_KEY",),
        models=(
            ForModels(
                names=re.compile(r"grok-(?:3-mini|4|code|build)(?!.*non-reasoning)"),
                drops=_PENALTIES | {"stop"},
                lacks=_PENALTIES | {"stop"},
            ),
        ),
        source="https://docs.x.ai/docs/guides/reasoning",
        checked=CHECKED,
    ),
    Provider(
        name="openrouter",
        wire=CHAT,
        base_url="https://openrouter.ai/api/v1",
        also=_SPEAKS_RESPONSES,
        base_env=("OPENROUTER_API_BASE",),
        key_env=("OPENROUTER_API_KEY", "OR_API_KEY"),
        header_values={
            "http-referer": From("site_url", ("OR_SITE_URL",)),
            "x-title": From("app_name", ("OR_APP_NAME",)),
        },
        prefers={"reasoning_field": "reasoning_details", "reasoning": "reasoning", "cache_control": "yes"},
        tells_cost=True,
        source="https://openrouter.ai/docs/api-reference/overview",
        checked=CHECKED,
    ),
    Provider(
        name="zai",
        wire=CHAT,
        base_url="https://api.z.ai/api/paas/v4",
        base_env=("ZAI_API_BASE",),
        key_env=("ZAI_API_KEY",),
        prefers={**_OLD_NAME, "reasoning_field": "reasoning_content", "reasoning": "thinking"},
        renames=_OLD_FIELD,
        patches=(patches.developer_is_system,),
        source="https://docs.z.ai/api-reference/llm/chat-completion",
        checked=CHECKED,
    ),
    Provider(
        name="fireworks_ai",
        wire=CHAT,
        base_url="https://api.fireworks.ai/inference/v1",
        base_env=("FIREWORKS_API_BASE",),
        key_env=("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"),
        prefers=_OLD_NAME,
        renames=_OLD_FIELD,
        patches=(patches.developer_is_system,),
        qualifies="accounts/fireworks/models/",
        source="https://docs.fireworks.ai/api-reference/post-chatcompletions",
        checked=CHECKED,
    ),
    Provider(
        name="cloudflare",
        wire=CHAT,
        base_url="https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1",
        holes={"account_id": From("account_id", ("CLOUDFLARE_ACCOUNT_ID",))},
        base_env=("CLOUDFLARE_API_BASE",),
        key_env=("CLOUDFLARE_API_KEY",),
        prefers=_OLD_NAME,
        renames=_OLD_FIELD,
        patches=(patches.developer_is_system,),
        source="https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/",
        checked=CHECKED,
    ),
    Provider(
        name="databricks",
        wire=CHAT,
        base_url="https://{host}/serving-endpoints",
        holes={"host": From("databricks_host", ("DATABRICKS_HOST",))},
        base_env=("DATABRICKS_API_BASE",),
        key_env=("DATABRICKS_API_KEY", "DATABRICKS_TOKEN"),
        prefers=_OLD_NAME,
        renames=_OLD_FIELD,
        patches=(patches.developer_is_system,),
        source="https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference",
        checked=CHECKED,
    ),
    Provider(
        name="snowflake",
        wire=CHAT,
        base_url="https://{account_id}.snowflakecomputing.com/api/v2/cortex/v1",
        holes={"account_id": From("account_id", ("SNOWFLAKE_ACCOUNT_ID",))},
        base_env=("SNOWFLAKE_API_BASE",),
        key_env=("SNOWFLAKE_JWT",),
        auth=Bearer(
            kinds=(
                ("pat/", "x-snowflake-authorization-token-type", "PROGRAMMATIC_ACCESS_TOKEN"),
                ("", "x-snowflake-authorization-token-type", "KEYPAIR_JWT"),
            )
        ),
        source="https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api",
        checked=CHECKED,
    ),
    Provider(
        name="bedrock_mantle",
        wire=CHAT,
        base_url="https://bedrock-mantle.{region}.api.aws/v1",
        also=_SPEAKS_RESPONSES,
        holes={"region": From("aws_region_name", ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"))},
        base_env=("BEDROCK_MANTLE_API_BASE",),
        key_env=("BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"),
        source=RECORDED,
        checked=CHECKED,
    ),
    Provider(
        name="writer",
        wire=CHAT,
        base_url="https://api.writer.com/v1",
        chat_path="/chat",
        base_env=("WRITER_API_BASE",),
        key_env=("WRITER_API_KEY",),
        prefers=_OLD_NAME,
        renames=_OLD_FIELD,
        patches=(patches.developer_is_system,),
        source="https://dev.writer.com/api-reference/completion-api/chat-completion",
        checked=CHECKED,
    ),
    Provider(
        name="portkey",
        wire=CHAT,
        base_url="https://api.portkey.ai/v1",
        base_env=("PORTKEY_API_BASE",),
        key_env=("PORTKEY_API_KEY",),
        auth=HeaderKey("x-portkey-api-key"),
        source=RECORDED,
        checked=CHECKED,
    ),
)


def _hosted(name: str, base_url: str, *key_env: str, base_env: str | None = None, source: str = LITELLM) -> Provider:
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


def _local(name: str, base_url: str, *, source: str, bare_path: str = "/v1", reasoning: str = "") -> Provider:
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


_HOSTED = (
    _hosted("ai21_chat", "https://api.ai21.com/studio/v1", "AI21_API_KEY", base_env="AI21_API_BASE"),
    _hosted("aiml", "https://api.aimlapi.com/v1", "AIML_API_KEY", "AIMLAPI_KEY"),
    _hosted("baseten", "https://inference.baseten.co/v1", "BASETEN_API_KEY", "BASETEN_KEY"),
    _hosted("cometapi", "https://api.cometapi.com/v1", "COMETAPI_API_KEY", "COMETAPI_KEY"),
    _hosted("crusoe", "https://api.inference.crusoecloud.com/v1", source=RECORDED),
    _hosted("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    _hosted("deepinfra", "https://api.deepinfra.com/v1/openai"),
    _hosted("featherless_ai", "https://api.featherless.ai/v1", "FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"),
    _hosted(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        "FRIENDLIAI_API_KEY",
        "FRIENDLI_TOKEN",
        base_env="FRIENDLI_API_BASE",
    ),
    _hosted("github", "https://models.github.ai/inference"),
    _hosted(
        "huggingface",
        "https://router.huggingface.co/v1",
        "HF_TOKEN",
        "HUGGINGFACE_API_KEY",
        base_env="HF_API_BASE",
        source=RECORDED,
    ),
    _hosted("hyperbolic", "https://api.hyperbolic.xyz/v1"),
    _hosted("inception", "https://api.inceptionlabs.ai/v1"),
    _hosted("lambda_ai", "https://api.lambda.ai/v1", "LAMBDA_API_KEY", base_env="LAMBDA_API_BASE"),
    _hosted("meta_llama", "https://api.llama.com/compat/v1", "LLAMA_API_KEY", base_env="LLAMA_API_BASE"),
    _hosted("minimax", "https://api.minimax.io/v1"),
    _hosted("moonshot", "https://api.moonshot.ai/v1"),
    _hosted("morph", "https://api.morphllm.com/v1"),
    _hosted("nebius", "https://api.studio.nebius.ai/v1"),
    _hosted("novita", "https://api.novita.ai/v3/openai"),
    _hosted("nscale", "https://inference.api.nscale.com/v1"),
    _hosted("nvidia_nim", "https://integrate.api.nvidia.com/v1"),
    _hosted("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1"),
    _hosted("sambanova", "https://api.sambanova.ai/v1"),
    _hosted("scaleway", "https://api.scaleway.ai/v1", "SCW_SECRET_KEY"),
    _hosted(
        "together_ai",
        "https://api.together.ai/v1",
        "TOGETHER_API_KEY",
        "TOGETHER_AI_API_KEY",
        "TOGETHERAI_API_KEY",
        "TOGETHER_AI_TOKEN",
        source=RECORDED,
    ),
    _hosted("v0", "https://api.v0.dev/v1"),
    _hosted("vercel_ai_gateway", "https://ai-gateway.vercel.sh/v1", "VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"),
    _hosted("volcengine", "https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY", "ARK_API_KEY"),
    _hosted("wandb", "https://api.inference.wandb.ai/v1"),
)

_LOCAL = (
    Provider(
        name="ollama",
        wire=CHAT,
        base_url="http://localhost:11434",
        chat_path="/v1/chat/completions",
        base_env=("OLLAMA_API_BASE",),
        key_env=("OLLAMA_API_KEY",),
        needs_key=False,
        prefers={**_OLD_NAME, "reasoning_field": "reasoning"},
        local=True,
        source="https://docs.ollama.com/openai",
        checked=CHECKED,
    ),
    _local("hosted_vllm", "", source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"),
    _local("lm_studio", "http://localhost:1234/v1", source="https://lmstudio.ai/docs/app/api/endpoints/openai"),
    _local("llamafile", "http://127.0.0.1:8080/v1", source="https://github.com/Mozilla-Ocho/llamafile"),
    _local(
        "llama_cpp", "http://127.0.0.1:8080/v1", source="https://github.com/ggml-org/llama.cpp/tree/master/tools/server"
    ),
    _local("xinference", "http://127.0.0.1:9997/v1", source="https://inference.readthedocs.io/"),
    _local("lemonade", "http://localhost:8000/api/v1", bare_path="/api/v1", source="https://lemonade-server.ai/docs/"),
    _local(
        "docker_model_runner",
        "http://localhost:22088/engines/llama.cpp/v1",
        bare_path="/engines/llama.cpp/v1",
        source=LITELLM,
    ),
    _local("gpustack", "", source=RECORDED, reasoning="reasoning_content"),
    Provider(  # whose server it is, nobody knows: unlike the ones above it may be paid
        name="openai_like",
        wire=CHAT,
        base_env=("OPENAI_LIKE_API_BASE",),
        key_env=("OPENAI_LIKE_API_KEY",),
        needs_key=False,
        source=LITELLM,
        checked=CHECKED,
    ),
    Provider(
        name="custom_openai",
        wire=CHAT,
        base_env=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        key_env=("OPENAI_API_KEY",),
        needs_key=False,
        source=LITELLM,
        checked=CHECKED,
    ),
    Provider(
        name="litellm_proxy",
        wire=CHAT,
        base_env=("LITELLM_PROXY_API_BASE",),
        key_env=("LITELLM_PROXY_API_KEY",),
        needs_key=False,
        source=LITELLM,
        checked=CHECKED,
    ),
)

ROWS: Mapping[str, Provider] = {row.name: row for row in (*_FIRST, *_WITH_QUIRKS, *_HOSTED, *_LOCAL)}

ALIASES: Mapping[str, str] = {
    "aiohttp_openai": "openai",
    "ai21": "ai21_chat",
    "fireworks": "fireworks_ai",
    "lmstudio": "lm_studio",
    "ollama_chat": "ollama",
    "together": "together_ai",
    "vertex_ai_beta": "vertex_ai",
    "vllm": "hosted_vllm",
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
        (r"deepseek-", "deepseek"),
        (r"grok-", "xai"),
        (r"sonar(?:-|$)", "perplexity"),
        (r"qwen-(?:max|plus|turbo|flash|long|vl|coder)|qwq-plus|qwen3-max", "dashscope"),
        (r"kimi-|moonshot-", "moonshot"),
        (r"glm-", "zai"),
    )
)
"""Who serves a model that is named without a provider and that the catalog does not know: decided by how it begins."""
