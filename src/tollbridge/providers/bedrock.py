"""Amazon Bedrock: what a model's name says, and where it is asked.

    bedrock/MODEL                        Converse; a Claude also by its own format, for clients who speak that
    bedrock/converse/MODEL               Converse, whoever asks
    bedrock/invoke/MODEL                 InvokeModel in the format of the model's maker: of Claude. Others: Converse
    bedrock/REGION/MODEL                 in that region; so too behind `converse/` and `invoke/`
    bedrock/REGION/6-month-commitment/MODEL     the same, bought in advance: a price of its own
    bedrock/llama/ARN                    a hint what the model behind an ARN is: `llama`, `deepseek_r1`, `qwen3` ...

MODEL is a model's id, an inference profile (`us.`, `eu.`, `apac.`, `global.` ... before an id), or the ARN of a
profile, a provisioned, an imported or a custom model, a prompt router. The ARN of an application inference profile does
not say what model it is: `model_info.base_model` does, or the name, where `model_id` has the ARN.

    Converse      /model/MODEL/converse, /model/MODEL/converse-stream
    InvokeModel   /model/MODEL/invoke, /model/MODEL/invoke-with-response-stream

MODEL is one step of the path. The region is the first that is told by `aws_region_name`, the name, the ARN, the
environment, the profile of AWS's own configuration. The names are LiteLLM's 1.109.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html,
.../bedrock/latest/userguide/inference-profiles-support.html, .../model-parameters-anthropic-claude-messages.html,
.../general/latest/gr/bedrock.html (seen 2026-11-26), and recorded exchanges. `bedrock_mantle`:
.../bedrock/latest/userguide/bedrock-mantle.html, and what OpenAI's and Anthropic's own clients do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import quote

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.address import join
from tollbridge.providers.row import HeaderField, Place, Provider
from tollbridge.providers.said import Said

Route = Literal["", "converse", "invoke"]
MESSAGES = "anthropic_messages"

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,2}-\d+")
_COMMITMENT = re.compile(r"\d+-month-commitment")
_CLAUDE = re.compile(r"anthropic\.|claude")
_HINTS: Mapping[str, str] = {
    "anthropic": "anthropic.",
    "deepseek_r1": "deepseek.r1",
    "llama": "meta.",
    "mistral": "mistral.",
    "moonshot": "moonshot.",
    "nova": "amazon.nova",
    "nova-2": "amazon.nova-2",
    "openai": "openai.",
    "qwen2": "qwen.",
    "qwen3": "qwen.",
    "titan": "amazon.titan",
}


class Named(msgspec.Struct, frozen=True):
    """`model`: as it stands in the path. `kind`: what model it is, "" where neither the name nor a hint says.
    `commitment`: bought for so long in advance."""

    model: str
    kind: str
    route: Route = ""
    region: str = ""
    commitment: str = ""

    @property
    def is_claude(self) -> bool:
        return _CLAUDE.search(self.kind) is not None

    def listed(self, region: str) -> Iterator[str]:
        """The names under which a price list may have it, the closest first."""
        if self.commitment:
            yield f"{region}/{self.commitment}/{self.kind}"
        yield f"{region}/{self.kind}"
        yield self.kind


def read_name(name: str, *, model_id: str | None = None, base_model: str | None = None) -> Named:
    """`model_id`: what stands in the path instead of the name, which then says what model it is."""
    route: Route = ""
    region = commitment = hint = ""
    while not name.startswith("arn:"):
        head, slash, rest = name.partition("/")
        if not slash or not rest:
            break
        if head in ("converse", "invoke"):
            route = "invoke" if head == "invoke" else "converse"
        elif _REGION.fullmatch(head):
            region = head
        elif _COMMITMENT.fullmatch(head):
            commitment = head
        elif head in _HINTS and rest.startswith("arn:"):
            hint = _HINTS[head]
        else:
            break
        name = rest
    model = model_id or name
    said = base_model.removeprefix("bedrock/") if base_model else ""
    kind = (read_name(said).kind if said else "") or hint or _kind(name)
    return Named(model, kind, route, region or _region_of(model), commitment)


def _kind(name: str) -> str:
    """An ARN tells a model's id where it is one of AWS's own."""
    if not name.startswith("arn:"):
        return name
    resource = name.split(":", 5)[-1]
    kind, _, rest = resource.partition("/")
    return rest if kind in ("foundation-model", "inference-profile") else ""


def _region_of(model: str) -> str:
    parts = model.split(":")
    return parts[3] if model.startswith("arn:") and len(parts) > 3 else ""


def host_of(service: str, region: str) -> str:
    return f"{service}.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")


def is_amazons(host: str) -> bool:
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def region_in(host: str) -> str:
    """Of one of Amazon's hosts: `vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com` is in us-east-1."""
    return next((part for part in host.split(".") if _REGION.fullmatch(part)), "") if is_amazons(host) else ""


def targets(base: str, model: str, *, messages: bool) -> tuple[str, str]:
    """Paths for whole answers and for streams."""
    at = f"{base}/model/{quote(model, safe='')}"
    if messages:
        return f"{at}/invoke", f"{at}/invoke-with-response-stream"
    return f"{at}/converse", f"{at}/converse-stream"


VERSION = "bedrock-2023-05-31"
REFUSED = frozenset({"service_tier", "container", "mcp_servers", "inference_geo", "speed"})
"""Fields of Anthropic's own service: here they are "extra inputs", which are refused."""

BETAS = frozenset(
    {"computer-use-2024-10-22", "computer-use-2025-01-24", "computer-use-2025-11-24"}
    | {"token-efficient-tools-2025-02-19", "interleaved-thinking-2025-05-14", "output-128k-2025-02-19"}
    | {"dev-full-thinking-2025-05-14", "context-1m-2025-08-07", "context-management-2025-06-27"}
    | {"effort-2025-11-24", "tool-search-tool-2025-10-19", "tool-examples-2025-10-29"}
    | {"fine-grained-tool-streaming-2025-05-14"}
)
"""Any other is an "invalid beta flag" here, and refuses the whole request
(https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html;
https://github.com/BerriAI/litellm/pull/19877; seen 2026-11-26)."""


def messages_body(body: JsonObject) -> JsonObject:
    """Claude's model, and whether to stream, stand in the path; the version of the format in the body."""
    rest = {key: value for key, value in body.items() if key not in ("model", "stream")}
    return {"anthropic_version": VERSION, **rest}


def in_messages(row: Provider) -> Provider:
    """The row as it is for Claude's own format."""
    return msgspec.structs.replace(
        row.speaking(MESSAGES),
        drops=row.drops | REFUSED,
        patches=(messages_body,),
        header_fields={"anthropic-beta": HeaderField("anthropic_beta", BETAS)},
    )


def guarded(given: Mapping[str, Json], *, messages: bool) -> tuple[tuple[tuple[str, str], ...], JsonObject]:
    """The operator's guardrail and performance, as headers and as fields of a body: what Converse is told in its body,
    InvokeModel is told in headers."""
    said = {name: given[name] for name in ("guardrailConfig", "performanceConfig") if given.get(name) is not None}
    return (tuple(_headers(**said)), {}) if messages else ((), said)


def _headers(guardrailConfig: Json = None, performanceConfig: Json = None) -> Iterator[tuple[str, str]]:
    for config, field, header in (
        (guardrailConfig, "guardrailIdentifier", "x-amzn-bedrock-guardrailidentifier"),
        (guardrailConfig, "guardrailVersion", "x-amzn-bedrock-guardrailversion"),
        (guardrailConfig, "trace", "x-amzn-bedrock-trace"),
        (performanceConfig, "latency", "x-amzn-bedrock-performanceconfig-latency"),
    ):
        value = config.get(field) if isinstance(config, dict) else None
        if value is not None:
            yield header, str(value).upper() if field == "trace" else str(value)


_UNDER_OPENAI = re.compile(r"openai\.gpt-(?!oss)|google\.gemma-4|xai\.grok-4")
_ROOTS = ("/anthropic/v1/messages", "/openai/v1", "/anthropic/v1", "/anthropic", "/v1")


def mantle_place(said: Said, model: str) -> Place:
    """Bedrock's other front has three roots: one for Claude, in Anthropic's format, one for models that OpenAI's newer
    formats were made for, and one for all others."""
    base = said.base.path
    if _CLAUDE.search(model):
        root = next((base.removesuffix(end) for end in _ROOTS if base.endswith(end)), base)
        return Place(model=model, path=join(root, "/anthropic/v1/messages"), wire=MESSAGES)
    path = join(base, said.path)
    own = is_amazons(said.base.host) and not path.startswith("/openai/")
    return Place(model=model, path=f"/openai{path}" if own and _UNDER_OPENAI.match(model) else path)
