"""The platforms, where an account has regions, projects or workspaces, and others' models stand beside one's own."""

from __future__ import annotations

import re

from tollbridge.providers import patches
from tollbridge.providers.auth import Bearer, HeaderKey
from tollbridge.providers.azure_token import ASKS as AZURE_ASKS
from tollbridge.providers.azure_token import azure_account
from tollbridge.providers.databricks import databricks_account
from tollbridge.providers.databricks_claude import AS_CLAUDE_TAKES_IT
from tollbridge.providers.row import ForModels, From, Provider
from tollbridge.providers.rows.alike import (
    CHAT,
    CHECKED,
    GEMINI,
    LITELLM,
    MESSAGES,
    NO_VIDEO,
    OLD_FIELD,
    OLD_NAME,
    PENALTIES,
    SEEN,
    SPEAKS_BOTH,
    SPEAKS_RESPONSES,
    TOP_K,
    hosted,
    register,
)
from tollbridge.providers.rows.openai_models import OPENAI_MODELS
from tollbridge.providers.rows.vendors import VENDORS
from tollbridge.providers.vertex import MISTRAL
from tollbridge.providers.watsonx import watsonx_account, watsonx_body, watsonx_place

_MISTRAL = {row.name: row for row in VENDORS}["mistral"]
_NOT_TOLD = frozenset({"user", "metadata", "service_tier", "store", "parallel_tool_calls"})
_NOBODY = frozenset({"user", "metadata", "parallel_tools"})
"""Not in the references of these vendors, who refuse unknown fields; what LiteLLM 1.106 leaves out too."""

CLOUDS: tuple[Provider, ...] = (
    Provider(
        name="azure",
        wire=CHAT,
        also=SPEAKS_RESPONSES,
        base_env=("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
        key_env=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        token_env=("AZURE_AD_TOKEN",),
        auth=HeaderKey("api-key"),
        account=azure_account,
        asks=AZURE_ASKS,
        lacks=TOP_K | NO_VIDEO,
        prefers={"reasoning": "reasoning_effort"},
        models=OPENAI_MODELS,
        plain=True,
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
        account=azure_account,
        asks=AZURE_ASKS,
        models=(
            *OPENAI_MODELS,
            ForModels(
                names=re.compile(r"(?!o[1-9]|gpt-|codex|claude)"),
                prefers={"system_role": "system"},
                patches=(patches.developer_is_system,),
            ),
        ),
        shape="azure_ai",
        source="https://learn.microsoft.com/rest/api/aifoundry/model-inference",
        checked=CHECKED,
    ),
    Provider(
        name="vertex_ai",
        wire=GEMINI,
        base_env=("VERTEXAI_API_BASE", "VERTEX_API_BASE"),
        key_env=("VERTEXAI_API_KEY",),
        auth=HeaderKey("x-goog-api-key", tokens=("ya29.",)),
        shape="vertex",
        models=(
            ForModels(names=re.compile("claude"), patches=(patches.vertex_messages,)),
            ForModels(
                names=MISTRAL,
                drops=_MISTRAL.drops,
                lacks=_MISTRAL.lacks,
                prefers=_MISTRAL.prefers,
                renames=_MISTRAL.renames,
                patches=(patches.vertex_mistral, *_MISTRAL.patches),
            ),
        ),
        source="https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
        checked="2026-11-26",
    ),
    Provider(
        name="cloudflare",
        wire=CHAT,
        base_url="https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1",
        holes={"account_id": From("account_id", ("CLOUDFLARE_ACCOUNT_ID",))},
        base_env=("CLOUDFLARE_API_BASE",),
        key_env=("CLOUDFLARE_API_KEY",),
        prefers=OLD_NAME,
        renames=OLD_FIELD,
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
        account=databricks_account,
        asks=("client_id", "client_secret"),
        auth=Bearer(),
        drops=_NOT_TOLD | {"stream_options", "seed", "logit_bias", *PENALTIES},  # usage is told without being asked for
        lacks=_NOBODY | {"stream_usage"},
        prefers=OLD_NAME,
        renames=OLD_FIELD,
        patches=(patches.developer_is_system,),
        models=(
            ForModels(
                names=re.compile(r"databricks-claude"),
                prefers={"reasoning_field": "reasoning_parts", "cache_control": "yes"},
                rewrites=(AS_CLAUDE_TAKES_IT,),
                also={MESSAGES: "/anthropic/v1/messages"},
            ),
            ForModels(names=re.compile(r"databricks-gpt-[5-9]"), also=SPEAKS_RESPONSES),
        ),
        source="https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference",
        checked=CHECKED,
    ),
    Provider(
        name="watsonx",
        wire=CHAT,
        base_url="https://{region}.ml.cloud.ibm.com",
        holes={"region": From("watsonx_region_name", ("WATSONX_REGION", "WX_REGION"))},
        base_env=("WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"),
        chat_path="/ml/v1/text/chat",
        key_env=("WATSONX_API_KEY", "WATSONX_APIKEY", "WX_API_KEY"),
        token_env=("WATSONX_TOKEN", "WX_TOKEN"),
        place=watsonx_place,
        account=watsonx_account,
        asks=("project_id", "space_id", "watsonx_iam_url"),
        drops=_NOT_TOLD | TOP_K,
        lacks=_NOBODY | TOP_K | {"files"},
        prefers={"system_role": "system"},
        plain=True,
        patches=(patches.developer_is_system, watsonx_body),
        source="https://cloud.ibm.com/apidocs/watsonx-ai#text-chat",
        checked="2026-11-26",
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
        models=(
            ForModels(
                names=re.compile("claude"),
                prefers={"reasoning": "reasoning", "reasoning_field": "reasoning_details"},
                also={MESSAGES: "/messages"},
            ),
        ),
        source="https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api",
        checked=CHECKED,
    ),
    hosted(
        "nvidia_nim",
        "https://integrate.api.nvidia.com/v1",
        "NVIDIA_NIM_API_KEY",
        "NVIDIA_API_KEY",
        source=register("nvidia", "https://docs.api.nvidia.com/nim/reference/llm-apis"),
        checked=SEEN,
    ),
    hosted(
        "ovhcloud",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        reasoning="reasoning_effort",
        source=register("ovhcloud", "https://www.ovhcloud.com/en/public-cloud/ai-endpoints/catalog/"),
        checked=SEEN,
    ),
    hosted(
        "scaleway",
        "https://api.scaleway.ai/v1",
        "SCW_SECRET_KEY",
        reasoning="reasoning_effort",
        source=register("scaleway", "https://www.scaleway.com/en/docs/generative-apis/how-to/query-reasoning-models/"),
        checked=SEEN,
    ),
    hosted(
        "volcengine",
        "https://ark.cn-beijing.volces.com/api/v3",
        "VOLCENGINE_API_KEY",
        "ARK_API_KEY",
        reasoning="thinking",
        source="https://docs.byteplus.com/en/docs/ModelArk/1449737",
        checked=SEEN,
    ),
    Provider(
        name="gradient_ai",
        wire=CHAT,
        base_url="https://inference.do-ai.run/v1",
        also=SPEAKS_BOTH,
        auth=Bearer(),
        bare_path="/api/v1",  # an agent's own address
        base_env=("GRADIENT_AI_AGENT_ENDPOINT",),
        key_env=("GRADIENT_AI_API_KEY",),
        prefers={"reasoning": "reasoning_effort_max"},
        source=register("digitalocean", "https://docs.digitalocean.com/products/inference/how-to/use-reasoning/"),
        checked=SEEN,
    ),
    Provider(
        name="heroku",
        wire=CHAT,
        base_url="https://us.inference.heroku.com/v1",
        bare_path="/v1",
        base_env=("HEROKU_API_BASE",),
        key_env=("HEROKU_API_KEY",),
        source="https://devcenter.heroku.com/articles/heroku-inference-api-v1-chat-completions",
        checked=SEEN,
    ),
    Provider(
        name="datarobot",
        wire=CHAT,
        base_url="https://app.datarobot.com/api/v2",
        chat_path="/genai/llmgw/chat/completions/",
        base_env=("DATAROBOT_ENDPOINT",),
        key_env=("DATAROBOT_API_TOKEN",),
        prefers=OLD_NAME,
        renames=OLD_FIELD,
        source=LITELLM,
    ),
    Provider(
        name="streamlake",
        wire=CHAT,
        base_url="https://vanchin.streamlake.ai/api/gateway/v1/endpoints",
        base_env=("STREAMLAKE_API_BASE",),
        key_env=("STREAMLAKE_API_KEY",),
        prefers={"max_tokens": "max_completion_tokens", "cache_control": "yes"},
        renames={"max_tokens": "max_completion_tokens"},
        source=LITELLM,
    ),
)
