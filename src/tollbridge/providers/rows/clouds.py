"""The platforms, where an account has regions, projects or workspaces, and others' models stand beside one's own."""

from __future__ import annotations

import re

from tollbridge.providers import patches
from tollbridge.providers.auth import Bearer, HeaderKey
from tollbridge.providers.row import ForModels, From, Provider
from tollbridge.providers.rows.alike import (
    CHAT,
    CHECKED,
    GEMINI,
    NO_VIDEO,
    OLD_FIELD,
    OLD_NAME,
    SPEAKS_RESPONSES,
    TOP_K,
    hosted,
)
from tollbridge.providers.rows.openai_models import OPENAI_MODELS

CLOUDS: tuple[Provider, ...] = (
    Provider(
        name="azure",
        wire=CHAT,
        also=SPEAKS_RESPONSES,
        base_env=("AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"),
        key_env=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
        token_env=("AZURE_AD_TOKEN",),
        auth=HeaderKey("api-key"),
        lacks=TOP_K | NO_VIDEO,
        models=OPENAI_MODELS,
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
        models=OPENAI_MODELS,
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
        models=(ForModels(names=re.compile("claude"), patches=(patches.vertex_messages,)),),
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
        prefers=OLD_NAME,
        renames=OLD_FIELD,
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
    hosted("nvidia_nim", "https://integrate.api.nvidia.com/v1"),
    hosted("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1"),
    hosted("scaleway", "https://api.scaleway.ai/v1", "SCW_SECRET_KEY"),
    hosted("volcengine", "https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY", "ARK_API_KEY"),
)
