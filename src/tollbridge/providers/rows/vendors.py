"""Those who make the models that they serve."""

from __future__ import annotations

import re

from msgspec import structs

from tollbridge.providers import patches, perplexity
from tollbridge.providers.auth import Bearer, HeaderKey
from tollbridge.providers.row import RESPONSES, ForModels, From, Provider
from tollbridge.providers.rows.alike import (
    CHAT,
    CHECKED,
    COHERE,
    GEMINI,
    MESSAGES,
    NO_VIDEO,
    OLD_FIELD,
    OLD_NAME,
    PENALTIES,
    SEEN,
    SPEAKS_BOTH,
    SPEAKS_MESSAGES,
    SPEAKS_RESPONSES,
    TOP_K,
    hosted,
    register,
)
from tollbridge.providers.rows.openai_models import OPENAI_MODELS


def _glm(name: str, site: str, key_env: str) -> Provider:
    """Zhipu's models, at home and abroad. `tool_choice` takes `auto` alone, `response_format` no schema."""
    return Provider(
        name=name,
        wire=CHAT,
        base_url=f"{site}/api/paas/v4",
        also={MESSAGES: f"{site}/api/anthropic/v1/messages"},
        auth=Bearer(),
        base_env=(f"{name.upper()}_API_BASE",),
        key_env=(key_env,),
        lacks=frozenset({"tool_choice", "response_schema"}),
        prefers={**OLD_NAME, "reasoning_field": "reasoning_content", "reasoning": "thinking_type"},
        renames=OLD_FIELD,
        patches=(patches.developer_is_system,),
        models=(ForModels(names=re.compile(r"glm-5\.[2-9]"), prefers={"reasoning": "thinking"}),),
        source="https://docs.z.ai/api-reference/llm/chat-completion",
        checked=SEEN,
    )


def _qwen(name: str, site: str, *key_env: str) -> Provider:
    """Alibaba's models, at home and abroad, under the names that its platform has had."""
    return hosted(
        name,
        f"{site}/compatible-mode/v1",
        *key_env,
        "DASHSCOPE_API_KEY",
        also={MESSAGES: f"{site}/apps/anthropic/v1/messages"},
        reasoning="enable_thinking_budget",
        source=register("alibaba", "https://www.alibabacloud.com/help/en/model-studio/deep-thinking"),
        checked=SEEN,
    )


_MISTRAL = Provider(
    name="mistral",
    wire=CHAT,
    base_url="https://api.mistral.ai/v1",
    bare_path="/v1",
    base_env=("MISTRAL_API_BASE", "MISTRAL_AZURE_API_BASE"),
    key_env=("MISTRAL_API_KEY", "MISTRAL_AZURE_API_KEY"),
    drops=frozenset(
        {"user", "logprobs", "top_logprobs", "logit_bias", "store", "service_tier", "stream_options", "verbosity"}
        | {"modalities", "audio", "web_search_options", "functions", "function_call"}
    ),
    lacks=TOP_K | {"user", "logprobs", "top_logprobs", "stream_usage"},
    prefers={**OLD_NAME, "seed": "random_seed", "reasoning": "reasoning_effort", "document_url": "yes"}
    | {"mend_answers": "yes"},  # tool calls without `type`, in streams once without `index`
    renames={**OLD_FIELD, "seed": "random_seed"},
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
)

VENDORS: tuple[Provider, ...] = (
    Provider(
        name="openai",
        wire=CHAT,
        base_url="https://api.openai.com/v1",
        also=SPEAKS_RESPONSES,
        base_env=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        key_env=("OPENAI_API_KEY",),
        header_values={
            "openai-organization": From("organization", ("OPENAI_ORGANIZATION", "OPENAI_ORG_ID")),
            "openai-project": From("project", ("OPENAI_PROJECT", "OPENAI_PROJECT_ID")),
        },
        lacks=TOP_K | NO_VIDEO,
        prefers={"reasoning": "reasoning_effort"},
        models=OPENAI_MODELS,
        plain=True,
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
        # https://platform.claude.com/docs/en/build-with-claude/structured-outputs (seen 2026-11-21): from 4.5 on
        models=(
            ForModels(
                names=re.compile(r"claude-(?:[23]|instant|(?:opus|sonnet)-4-(?:[01](?!\d)|20))"),
                lacks=frozenset({"response_schema"}),
            ),
        ),
        source="https://docs.anthropic.com/en/api/messages",
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
        # https://github.com/googleapis/js-genai/issues/1369 (seen 2026-11-27)
        lacks=frozenset({"file_names"}),
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
        name="cohere",
        wire=COHERE,
        base_url="https://api.cohere.com",
        base_env=("COHERE_API_BASE",),
        key_env=("COHERE_API_KEY", "CO_API_KEY"),
        models=(
            # "This parameter is only compatible with models Command-r7b and newer"
            ForModels(
                names=re.compile(r"(?:c4ai-)?command(?:$|-light|-nightly|-r(?!7b))"), lacks=frozenset({"tool_choice"})
            ),
        ),
        source="https://docs.cohere.com/reference/chat",
        checked="2026-11-26",
    ),
    _MISTRAL,
    Provider(
        name="deepseek",
        wire=CHAT,
        base_url="https://api.deepseek.com",
        also={**SPEAKS_RESPONSES, MESSAGES: "https://api.deepseek.com/anthropic/v1/messages"},
        auth=Bearer(),
        base_env=("DEEPSEEK_API_BASE",),
        key_env=("DEEPSEEK_API_KEY",),
        lacks=frozenset({"response_schema", "choices"}),
        prefers={**OLD_NAME, "reasoning_field": "reasoning_content", "reasoning": "thinking", "content": "string"}
        | {"response_schema": "json"},
        renames=OLD_FIELD,
        patches=(patches.developer_is_system, patches.texts_as_strings, patches.keep_reasoning_of_tool_turns),
        source="https://api-docs.deepseek.com/guides/thinking_mode",
        checked=SEEN,
    ),
    Provider(
        name="xai",
        wire=CHAT,
        base_url="https://api.x.ai/v1",
        also=SPEAKS_RESPONSES,
        base_env=("XAI_API_BASE",),
        key_env=("XAI_API_KEY",),
        prefers={"reasoning": "reasoning_effort"},
        models=(
            ForModels(
                names=re.compile(r"grok-(?:3-mini|4|code|build)(?!.*non-reasoning)"),
                drops=PENALTIES | {"stop"},
                lacks=PENALTIES | {"stop"},
            ),
        ),
        tells_cost=True,  # https://docs.x.ai/developers/cost-tracking, seen 2026-11-27
        source="https://docs.x.ai/docs/guides/reasoning",
        checked=CHECKED,
    ),
    Provider(
        name="perplexity",
        wire=CHAT,
        base_url="https://api.perplexity.ai",
        also={RESPONSES: perplexity.TARGET},
        place=perplexity.perplexity_place,
        base_env=("PERPLEXITY_API_BASE",),
        key_env=("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
        prefers={**OLD_NAME, "reasoning": "reasoning_effort"},
        renames=OLD_FIELD,
        patches=(patches.developer_is_system,),
        also_patches={RESPONSES: (patches.perplexity_agent,)},
        tells_cost=True,
        source="https://docs.perplexity.ai/docs/agent-api/openai-compatibility",
        checked="2026-11-28",
    ),
    _glm("zai", "https://api.z.ai", "ZAI_API_KEY"),
    _glm("bigmodel", "https://open.bigmodel.cn", "BIGMODEL_API_KEY"),
    Provider(
        name="moonshot",
        wire=CHAT,
        base_url="https://api.moonshot.ai/v1",
        also={MESSAGES: "https://api.moonshot.ai/anthropic/v1/messages"},
        auth=Bearer(),
        base_env=("MOONSHOT_API_BASE",),
        key_env=("MOONSHOT_API_KEY",),
        prefers={"reasoning_field": "reasoning_content", "reasoning": "thinking_type"},
        models=(
            # https://platform.kimi.ai/docs/api/models-overview (seen 2026-11-26): what cannot be modified from 2.5 on,
            # and who knows `thinking`
            ForModels(
                names=re.compile(r"kimi-k(?:2\.[5-9]|[3-9])"),
                drops=PENALTIES | {"temperature", "top_p", "n"},
                lacks=PENALTIES | {"temperature", "top_p", "choices"},
            ),
            ForModels(
                names=re.compile(r"moonshot-v1|kimi-k2-|kimi-thinking"),
                drops=frozenset({"thinking", "reasoning_effort"}),
                lacks=frozenset({"reasoning"}),
            ),
            # https://java.agentscope.io/v2/en/integration/model/kimi (seen 2026-11-26)
            ForModels(names=re.compile(r"kimi-k[3-9]"), prefers={"reasoning": "reasoning_effort_max"}),
            ForModels(  # "thinking is enabled but reasoning_content is missing in assistant tool call message"
                names=re.compile(r"kimi-(?:k[2-9]|thinking)"), patches=(patches.keep_reasoning_of_tool_turns,)
            ),
        ),
        source="https://platform.kimi.ai/docs/api/chat",
        checked=SEEN,
    ),
    hosted(
        "minimax",
        "https://api.minimax.io/v1",
        also={MESSAGES: "https://api.minimax.io/anthropic/v1/messages"},
        source="https://platform.minimax.io/docs/api-reference/text-anthropic-api",
        checked=SEEN,
    ),
    _qwen("dashscope", "https://dashscope-intl.aliyuncs.com"),
    _qwen("qwencloud", "https://dashscope-intl.aliyuncs.com", "QWENCLOUD_API_KEY"),
    _qwen("qwen_ai_platform", "https://dashscope.aliyuncs.com", "QWEN_AI_PLATFORM_API_KEY"),
    Provider(
        name="xiaomi_mimo",
        wire=CHAT,
        base_url="https://api.xiaomimimo.com/v1",
        also={MESSAGES: "https://api.xiaomimimo.com/anthropic/v1/messages"},
        auth=Bearer(),
        base_env=("XIAOMI_MIMO_API_BASE",),
        key_env=("XIAOMI_MIMO_API_KEY",),
        prefers={**OLD_NAME, "reasoning_field": "reasoning_content", "reasoning": "thinking_type"},
        renames=OLD_FIELD,
        source=register("xiaomi", "https://platform.xiaomimimo.com/static/docs/api/chat/openai-api.md"),
        checked=SEEN,
    ),
    hosted(
        "tencent",
        "https://tokenhub-intl.tencentcloudmaas.com/v1",
        reasoning="thinking",
        source=register("tencent-tokenhub", "https://cloud.tencent.com/document/product/1823/130079"),
        checked=SEEN,
    ),
    hosted(
        "stepfun",
        "https://api.stepfun.com/v1",
        also=SPEAKS_MESSAGES,
        reasoning="reasoning_effort",
        source=register("stepfun", "https://platform.stepfun.com/docs/zh/api-reference/chat/chat-completion-create"),
        checked=SEEN,
    ),
    hosted(
        "upstage",
        "https://api.upstage.ai/v1/solar",
        reasoning="reasoning_effort",
        source=register("upstage", "https://developers.upstage.ai/docs/apis/chat"),
        checked=SEEN,
    ),
    structs.replace(
        _MISTRAL,
        name="codestral",
        base_url="https://codestral.mistral.ai/v1",
        base_env=("CODESTRAL_API_BASE",),
        key_env=("CODESTRAL_API_KEY",),
    ),
    hosted(
        "amazon_nova",
        "https://api.nova.amazon.com/v1",
        old_names=True,
        source=register("nova", "https://nova.amazon.com/dev/documentation"),
        checked=SEEN,
    ),
    hosted(
        "reka",
        "https://api.reka.ai/v1",
        reasoning="reasoning_effort_max",
        source=register("reka", "https://developer.reka.ai/reference"),
        checked=SEEN,
    ),
    hosted(
        "sarvam",
        "https://api.sarvam.ai/v1",
        auth=HeaderKey("api-subscription-key"),
        reasoning="reasoning_effort",
        old_names=True,
        source=register("sarvam", "https://docs.sarvam.ai/api-reference-docs/chat/chat-completions"),
        checked=SEEN,
    ),
    hosted("maritalk", "https://chat.maritaca.ai/api", source="https://pypi.org/project/maritalk/", checked=SEEN),
    hosted(
        "meta",
        "https://api.meta.ai/v1",
        "META_API_KEY",
        "META_MODEL_API_KEY",
        also=SPEAKS_RESPONSES,
        source=register("meta", "https://dev.meta.ai/docs"),
        checked=SEEN,
    ),
    hosted("cognition", "https://api.cognition.ai/v1"),
    hosted(
        "abliteration",
        "https://api.abliteration.ai/v1",
        also=SPEAKS_BOTH,
        reasoning="reasoning_effort_max",
        source=register("abliteration-ai", "https://docs.abliteration.ai/capabilities/thinking"),
        checked=SEEN,
    ),
    hosted(
        "ai21",
        "https://api.ai21.com/studio/v1",
        "AI21_API_KEY",
        base_env="AI21_API_BASE",
        lacks=frozenset({"response_schema", "tool_choice"}),
        old_names=True,
        source="https://docs.ai21.com/reference/jamba-1-6-api-ref",
        checked=SEEN,
    ),
    Provider(
        name="writer",
        wire=CHAT,
        base_url="https://api.writer.com/v1",
        chat_path="/chat",
        base_env=("WRITER_API_BASE",),
        key_env=("WRITER_API_KEY",),
        prefers=OLD_NAME,
        renames=OLD_FIELD,
        patches=(patches.developer_is_system,),
        source="https://dev.writer.com/api-reference/completion-api/chat-completion",
        checked=CHECKED,
    ),
    hosted(
        "inception",
        "https://api.inceptionlabs.ai/v1",
        reasoning="reasoning_effort",
        source=register("inception", "https://docs.inceptionlabs.ai/api-reference/chat/create-a-chat-completion"),
        checked=SEEN,
    ),
    hosted(
        "meta_llama",
        "https://api.llama.com/compat/v1",
        "LLAMA_API_KEY",
        base_env="LLAMA_API_BASE",
        source=register("llama", "https://llama.developer.meta.com/docs/models"),
        checked=SEEN,
    ),
    hosted(
        "morph",
        "https://api.morphllm.com/v1",
        source=register("morph", "https://docs.morphllm.com/api-reference/introduction"),
        checked=SEEN,
    ),
    hosted("v0", "https://api.v0.dev/v1", source="https://v0.app/docs/v0-model-api", checked=SEEN),
)
