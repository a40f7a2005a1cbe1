"""Servers of one's own: they cost nothing and need no key. The demo is one that needs no network either."""

from __future__ import annotations

import re

from tollbridge.providers.auth import NoAuth
from tollbridge.providers.row import ForModels, Provider
from tollbridge.providers.rows.alike import CHAT, CHECKED, LITELLM, NOT_YET, OLD_NAME, OLLAMA, RECORDED, SEEN, local
from tollbridge.providers.rows.open_models import TEMPLATES

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

_END = r"(?=$|:|-uncensored|-chatqa|-gradient)"
_WITHOUT_TOOLS = re.compile(
    rf"(?:llama2|llama3{_END}|codellama|codegemma|gemma(?:[23]|3n)?(?=$|:)|phi(?:3|3\.5|4)?(?=$|:)|vicuna|orca|wizard|llava"
    r"|bakllava|moondream|tinyllama|stable|starcoder|deepseek-(?:coder|llm)|dolphin-(?:mixtral|mistral|phi)|neural-chat"
    r"|zephyr|openchat|solar(?=$|:)|falcon(?=$|:)|yi(?=$|:))"
)

LOCAL: tuple[Provider, ...] = (
    DEMO,
    Provider(
        name="ollama",
        wire=OLLAMA,
        base_url="http://localhost:11434",
        openai_at="/v1",
        base_env=("OLLAMA_API_BASE",),
        key_env=("OLLAMA_API_KEY",),
        needs_key=False,
        prefers={**OLD_NAME, "reasoning_field": "reasoning"},
        local=True,
        # Their templates have no room for tools and thinking, and the server refuses both: https://ollama.com/search?c=tools
        # and ?c=thinking (seen 2026-11-26) list those that do, and none of these.
        models=(ForModels(names=_WITHOUT_TOOLS, lacks=frozenset({"tools", "reasoning", "reasoning_history"})),),
        source="https://docs.ollama.com/api/chat",
        checked="2026-11-26",
    ),
    local(
        "hosted_vllm",
        "",
        source="https://docs.vllm.ai/en/stable/features/reasoning_outputs/",
        checked=SEEN,
        prefers={"reasoning": "reasoning_effort"},
        models=TEMPLATES,
    ),
    local("lm_studio", "http://localhost:1234/v1", source="https://lmstudio.ai/docs/app/api/endpoints/openai"),
    local("llamafile", "http://127.0.0.1:8080/v1", source="https://github.com/Mozilla-Ocho/llamafile"),
    local(
        "llama_cpp", "http://127.0.0.1:8080/v1", source="https://github.com/ggml-org/llama.cpp/tree/master/tools/server"
    ),
    local(
        "sglang",
        "http://127.0.0.1:30000/v1",
        source="https://docs.sglang.io/docs/basic_usage/send_request",
        checked=SEEN,
        prefers={"reasoning": "reasoning_effort"},
        models=TEMPLATES,
    ),
    local(
        "tgi",
        "http://127.0.0.1:8080/v1",
        source="https://huggingface.co/docs/text-generation-inference/messages_api",
        checked=NOT_YET,
    ),
    local(
        "localai", "http://127.0.0.1:8080/v1", source="https://localai.io/docs/features/text-generation/", checked=SEEN
    ),
    local("jan", "http://127.0.0.1:1337/v1", source="https://jan.ai/docs/local-api", checked=SEEN),
    local(
        "oobabooga",
        "",
        source="https://github.com/oobabooga/text-generation-webui/wiki/12-%E2%80%90-OpenAI-API",
        checked=NOT_YET,
    ),
    local("xinference", "http://127.0.0.1:9997/v1", source="https://inference.readthedocs.io/"),
    local("lemonade", "http://localhost:8000/api/v1", bare_path="/api/v1", source="https://lemonade-server.ai/docs/"),
    local(
        "docker_model_runner",
        "http://localhost:22088/engines/llama.cpp/v1",
        bare_path="/engines/llama.cpp/v1",
        source=LITELLM,
    ),
    local("gpustack", "", source=RECORDED, prefers={"reasoning_field": "reasoning_content"}),
    Provider(  # whose server it is, nobody knows: unlike the ones above it may be paid
        name="openai_like",
        wire=CHAT,
        base_env=("OPENAI_LIKE_API_BASE",),
        key_env=("OPENAI_LIKE_API_KEY",),
        needs_key=False,
        source=LITELLM,
    ),
    Provider(
        name="custom_openai",
        wire=CHAT,
        base_env=("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        key_env=("OPENAI_API_KEY",),
        needs_key=False,
        source=LITELLM,
    ),
    Provider(
        name="litellm_proxy",
        wire=CHAT,
        base_env=("LITELLM_PROXY_API_BASE",),
        key_env=("LITELLM_PROXY_API_KEY",),
        needs_key=False,
        source=LITELLM,
    ),
)
