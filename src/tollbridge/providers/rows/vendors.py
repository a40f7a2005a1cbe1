"""Those who make the models that they serve."""

from __future__ import annotations

import re

from tollbridge.providers import patches
from tollbridge.providers.auth import HeaderKey
from tollbridge.providers.row import ForModels, From, Provider
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
    SPEAKS_RESPONSES,
    TOP_K,
    hosted,
)
from tollbridge.providers.rows.openai_models import OPENAI_MODELS

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
        lacks=TOP_K | {"user", "logprobs", "top_logprobs", "stream_usage"},
        prefers={**OLD_NAME, "seed": "random_seed"},
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
    ),
    Provider(
        name="deepseek",
        wire=CHAT,
        base_url="https://api.deepseek.com",
        also=SPEAKS_RESPONSES,
        base_env=("DEEPSEEK_API_BASE",),
        key_env=("DEEPSEEK_API_KEY",),
        lacks=frozenset({"response_schema", "choices"}),
        prefers={**OLD_NAME, "reasoning_field": "reasoning_content", "reasoning": "thinking", "content": "string"},
        renames=OLD_FIELD,
        patches=(patches.developer_is_system, patches.texts_as_strings, patches.keep_reasoning_of_tool_turns),
        source="https://api-docs.deepseek.com/guides/thinking_mode",
        checked=CHECKED,
    ),
    Provider(
        name="xai",
        wire=CHAT,
        base_url="https://api.x.ai/v1",
        also=SPEAKS_RESPONSES,
        base_env=("XAI_API_BASE",),
        key_env=("XAI_API_KEY",),
        models=(
            ForModels(
                names=re.compile(r"grok-(?:3-mini|4|code|build)(?!.*non-reasoning)"),
                drops=PENALTIES | {"stop"},
                lacks=PENALTIES | {"stop"},
            ),
        ),
        source="https://docs.x.ai/docs/guides/reasoning",
        checked=CHECKED,
    ),
    Provider(
        name="perplexity",
        wire=CHAT,
        base_url="https://api.perplexity.ai",
        base_env=("PERPLEXITY_API_BASE",),
        key_env=("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
        prefers=OLD_NAME,
        renames=OLD_FIELD,
        patches=(patches.developer_is_system,),
        tells_cost=True,
        source="https://docs.perplexity.ai/api-reference/chat-completions-post",
        checked=CHECKED,
    ),
    Provider(
        name="zai",
        wire=CHAT,
        base_url="https://api.z.ai/api/paas/v4",
        base_env=("ZAI_API_BASE",),
        key_env=("ZAI_API_KEY",),
        prefers={**OLD_NAME, "reasoning_field": "reasoning_content", "reasoning": "thinking"},
        renames=OLD_FIELD,
        patches=(patches.developer_is_system,),
        source="https://docs.z.ai/api-reference/llm/chat-completion",
        checked=CHECKED,
    ),
    hosted("moonshot", "https://api.moonshot.ai/v1"),
    hosted("minimax", "https://api.minimax.io/v1"),
    hosted("dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    hosted("ai21_chat", "https://api.ai21.com/studio/v1", "AI21_API_KEY", base_env="AI21_API_BASE"),
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
    hosted("inception", "https://api.inceptionlabs.ai/v1"),
    hosted("meta_llama", "https://api.llama.com/compat/v1", "LLAMA_API_KEY", base_env="LLAMA_API_BASE"),
    hosted("morph", "https://api.morphllm.com/v1"),
    hosted("v0", "https://api.v0.dev/v1"),
)
