"""Amazon's: Bedrock, whose names say more than a model (`providers/bedrock.py`), its other front, and SageMaker."""

from __future__ import annotations

from tollbridge.providers.auth import SigV4
from tollbridge.providers.aws_account import REGION
from tollbridge.providers.bedrock import mantle_place
from tollbridge.providers.row import NO_CHAT, From, Provider
from tollbridge.providers.rows.alike import CHAT, RECORDED, SPEAKS_RESPONSES

_REGION = {"region": From("aws_region_name", REGION)}

AWS: tuple[Provider, ...] = (
    Provider(
        name="bedrock",
        wire="bedrock_converse",
        base_url="https://bedrock-runtime.{region}.amazonaws.com",
        holes=_REGION,
        base_env=("AWS_BEDROCK_RUNTIME_ENDPOINT",),
        key_env=("AWS_BEARER_TOKEN_BEDROCK",),
        auth=SigV4("bedrock"),
        shape="bedrock",
        asks=("model_id",),
        source="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
        checked="2026-11-26",
    ),
    Provider(
        name="bedrock_mantle",
        wire=CHAT,
        base_url="https://bedrock-mantle.{region}.api.aws/v1",
        also=SPEAKS_RESPONSES,
        holes={"region": From("aws_region_name", ("BEDROCK_MANTLE_REGION", *REGION))},
        base_env=("BEDROCK_MANTLE_API_BASE",),
        key_env=("BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"),
        auth=SigV4("bedrock-mantle"),
        place=mantle_place,
        source=RECORDED,
        checked="2026-11-26",
    ),
    Provider(
        name="sagemaker_chat",
        wire=CHAT,
        base_url="https://runtime.sagemaker.{region}.amazonaws.com",
        holes=_REGION,
        base_env=("SAGEMAKER_BASE_URL",),
        chat_path="/endpoints/{model}/invocations",
        stream_path="/endpoints/{model}/invocations-response-stream",
        needs_key=False,
        header_values={"x-amzn-sagemaker-inference-component": From("model_id")},
        auth=SigV4("sagemaker"),
        source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html",
        checked="2026-11-26",
    ),
    Provider(
        name="aws_polly",
        wire=NO_CHAT,
        base_url="https://polly.{region}.amazonaws.com",
        holes=_REGION,
        base_env=("AWS_POLLY_API_BASE",),
        needs_key=False,
        auth=SigV4("polly"),
        source="https://docs.aws.amazon.com/polly/latest/dg/API_SynthesizeSpeech.html",
        checked="2026-11-27",
    ),
)
