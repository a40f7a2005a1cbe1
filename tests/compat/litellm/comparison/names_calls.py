"""Calls to a provider: what was sent, and what came back."""

from __future__ import annotations

import asyncio
import io
from typing import Any

from tests.compat.litellm.comparison.case import ASK, TOOL, Site, case, dump, raised, told

MODEL = "openai/gpt-4o"


def sent(site: Site) -> dict[str, Any]:
    last = site.upstream.last
    return {"target": last.target, "body": last.body, "key": last.headers.get("authorization")}


@case("completion")
def completion(litellm: Any, site: Site) -> Any:
    whole = litellm.completion(MODEL, ASK, temperature=0.5, user="u-1", **site.at())
    request = sent(site)
    several = litellm.completion(MODEL, ASK, n=2, **site.at())
    litellm.completion(MODEL, ASK, extra_body={"a_field_of_the_vendor": 1}, extra_headers={"x-mine": "1"}, **site.at())
    extra = site.upstream.last
    refused = raised(
        lambda: litellm.completion(
            "anthropic/claude-sonnet-4-5", ASK, logprobs=True, api_base=site.upstream.url(), api_key="k"
        )
    )
    return {
        "answer": dump(whole),
        "sent": request,
        "attributes": [
            whole.choices[0].message.content,
            whole["choices"][0]["message"]["role"],
            whole.usage.total_tokens,
        ],
        "absent": [whole.choices[0].message.tool_calls, whole.choices[0].message.function_call],
        "cost": whole._hidden_params["response_cost"],
        "provider": whole._hidden_params["custom_llm_provider"],
        "several": [choice.message.content for choice in several.choices],
        "extra": [extra.body.get("a_field_of_the_vendor"), extra.headers.get("x-mine")],
        "json": isinstance(whole.model_dump_json(), str) and isinstance(whole.json(), dict | str),
        "unsupported": refused,
    }


@case("completion(mock_response=)")
def mock_response(litellm: Any, site: Site) -> Any:
    said = litellm.completion("gpt-4o", ASK, mock_response="Hi there")
    stream = list(litellm.completion("gpt-4o", ASK, mock_response="Hi there", stream=True))
    limited = raised(lambda: litellm.completion("gpt-4o", ASK, mock_response="litellm.RateLimitError"))
    thrown = raised(lambda: litellm.completion("gpt-4o", ASK, mock_response=ValueError("mine")))
    timed = raised(lambda: litellm.completion("gpt-4o", ASK, mock_timeout=True, timeout=0.01))
    calls = [{"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]
    tooled = litellm.completion("gpt-4o", ASK, mock_response="", mock_tool_calls=calls)
    return {
        "content": said.choices[0].message.content,
        "finish": said.choices[0].finish_reason,
        "model": said.model,
        "streamed": "".join(chunk.choices[0].delta.content or "" for chunk in stream),
        "by the name of an error": limited,
        "an exception": thrown,
        "a timeout": timed,
        "tool calls": [call.function.name for call in tooled.choices[0].message.tool_calls],
    }


@case("acompletion")
def acompletion(litellm: Any, site: Site) -> Any:
    async def both() -> Any:
        whole = await litellm.acompletion(MODEL, ASK, **site.at())
        stream = await litellm.acompletion(MODEL, ASK, stream=True, **site.at())
        return whole, [chunk.choices[0].delta.content async for chunk in stream]

    whole, pieces = asyncio.run(both())
    return {
        "content": whole.choices[0].message.content,
        "streamed": "".join(piece or "" for piece in pieces),
        "failed": raised(lambda: litellm.acompletion(MODEL, ASK, **site.at("401"))),
    }


@case("CustomStreamWrapper")
def streams(litellm: Any, site: Site) -> Any:
    chunks = list(litellm.completion(MODEL, ASK, stream=True, **site.at()))
    with_usage = list(litellm.completion(MODEL, ASK, stream=True, stream_options={"include_usage": True}, **site.at()))
    tooled = list(litellm.completion(MODEL, ASK, stream=True, tools=[TOOL], **site.at("tools")))
    deltas = [call for chunk in tooled for call in (chunk.choices[0].delta.tool_calls or ())]
    cut = raised(lambda: list(litellm.completion(MODEL, ASK, stream=True, **site.at("cut"))))
    return {
        "text": "".join(chunk.choices[0].delta.content or "" for chunk in chunks),
        "object": chunks[0].object,
        "id of all": len({chunk.id for chunk in chunks}),
        "role of the first": chunks[0].choices[0].delta.role,
        "finish": [one for one in (chunk.choices[0].finish_reason for chunk in chunks) if one],
        "usage": [dump(chunk.usage)["total_tokens"] for chunk in with_usage if getattr(chunk, "usage", None)],
        "usage without being asked": [1 for chunk in chunks if getattr(chunk, "usage", None)],
        "tool": [deltas[0].id, deltas[0].function.name, "".join(one.function.arguments or "" for one in deltas)],
        "a cut stream": cut["raised"] is not None,
    }


@case("completion(tools=)")
def tools(litellm: Any, site: Site) -> Any:
    whole = litellm.completion(MODEL, ASK, tools=[TOOL], tool_choice="auto", **site.at("tools"))
    call = whole.choices[0].message.tool_calls[0]
    history = [*ASK, whole.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "5"}]
    litellm.completion(MODEL, history, tools=[TOOL], **site.at())
    again = site.upstream.last.body["messages"][1]
    return {
        "call": [call.id, call.type, call.function.name, call.function.arguments],
        "finish": whole.choices[0].finish_reason,
        "content": whole.choices[0].message.content,
        "sent back": {name: again.get(name) for name in ("role", "tool_calls")},
    }


@case("stream_chunk_builder")
def stream_chunk_builder(litellm: Any, site: Site) -> Any:
    said = litellm.stream_chunk_builder(list(litellm.completion(MODEL, ASK, stream=True, **site.at())), messages=ASK)
    tooled = litellm.stream_chunk_builder(
        list(litellm.completion(MODEL, ASK, stream=True, tools=[TOOL], **site.at("tools")))
    )
    asked = {"include_usage": True}
    counted = litellm.stream_chunk_builder(
        list(litellm.completion(MODEL, ASK, stream=True, stream_options=asked, **site.at()))
    )
    call = tooled.choices[0].message.tool_calls[0]
    return {
        "content": said.choices[0].message.content,
        "object": said.object,
        "finish": said.choices[0].finish_reason,
        "call": [call.id, call.function.name, call.function.arguments],
        "finish of tools": tooled.choices[0].finish_reason,
        "usage": [counted.usage.prompt_tokens, counted.usage.completion_tokens],
        "of nothing": litellm.stream_chunk_builder([]),
    }


def legacy(litellm: Any, site: Site) -> Any:
    found = litellm.text_completion(model="text-completion-openai/gpt-3.5-turbo-instruct", prompt="Say", **site.at())
    return [found.choices[0].text, sent(site)["target"]]


@case("text_completion")
def text_completion(litellm: Any, site: Site) -> Any:
    in_chat = litellm.text_completion(model=MODEL, prompt="Say", max_tokens=5, **site.at())
    request = sent(site)
    return {
        "of the old endpoint": told(lambda: legacy(litellm, site)),
        "text": in_chat.choices[0].text,
        "object": in_chat.object,
        "usage": in_chat.usage.total_tokens,
        "sent": [request["target"], request["body"]],
    }


@case("atext_completion")
def atext_completion(litellm: Any, site: Site) -> Any:
    found = asyncio.run(litellm.atext_completion(model=MODEL, prompt="Say", **site.at()))
    return {"text": found.choices[0].text, "finish": found.choices[0].finish_reason}


@case("embedding")
def embedding(litellm: Any, site: Site) -> Any:
    found = litellm.embedding(model="openai/text-embedding-3-small", input=["a", "b"], dimensions=2, **site.at())
    request = sent(site)
    return {
        "vectors": [one["embedding"] for one in found.data],
        "indices": [one["index"] for one in found["data"]],
        "object": found.object,
        "usage": found.usage.prompt_tokens,
        "sent": [request["target"], {**request["body"], "encoding_format": None}],
        "cost": found._hidden_params["response_cost"],
        "failed": raised(lambda: litellm.embedding(model="openai/text-embedding-3-small", input="a", **site.at("429"))),
    }


@case("aembedding")
def aembedding(litellm: Any, site: Site) -> Any:
    found = asyncio.run(litellm.aembedding(model="openai/text-embedding-3-small", input="a", **site.at()))
    return {"vectors": [one["embedding"] for one in found.data], "sent": site.upstream.last.body["input"]}


@case("rerank")
def rerank(litellm: Any, site: Site) -> Any:
    found = litellm.rerank(
        model="cohere/rerank-v3.5", query="q", documents=["a", "b"], top_n=2, api_base=site.upstream.url(), api_key="k"
    )
    return {"order": [(one["index"], one["relevance_score"]) for one in found.results], "id": found.id}


@case("moderation")
def moderation(litellm: Any, site: Site) -> Any:
    found = litellm.moderation(input="x", model="omni-moderation-latest", **site.at())
    return {"flagged": found.results[0].flagged, "id": found.id, "sent": site.upstream.last.body}


@case("image_generation")
def image_generation(litellm: Any, site: Site) -> Any:
    found = litellm.image_generation(model="openai/gpt-image-1", prompt="a cat", n=1, **site.at())
    return {"image": found.data[0].b64_json, "created": found.created, "sent": site.upstream.last.body}


@case("transcription")
def transcription(litellm: Any, site: Site) -> Any:
    sound = io.BytesIO(b"RIFF----WAVE")
    sound.name = "sound.wav"
    found = litellm.transcription(model="openai/whisper-1", file=sound, **site.at())
    return {"text": found.text, "target": site.upstream.last.target}


@case("speech")
def speech(litellm: Any, site: Site) -> Any:
    found = litellm.speech(model="openai/tts-1", input="Hello", voice="alloy", **site.at())
    found.stream_to_file(site.directory / "said.mp3")
    written = (site.directory / "said.mp3").read_bytes()
    return {"bytes": len(found.content), "written": len(written), "sent": site.upstream.last.body}


@case("responses")
def responses(litellm: Any, site: Site) -> Any:
    found = litellm.responses(model=MODEL, input="Hello", instructions="Be brief.", **site.at())
    return {
        "text": found.output[0].content[0].text,
        "output_text": found.output_text,
        "status": found.status,
        "usage": [found.usage.input_tokens, found.usage.output_tokens],
        "sent": [site.upstream.last.target, site.upstream.last.body["input"], site.upstream.last.body["instructions"]],
    }


@case("aresponses")
def aresponses(litellm: Any, site: Site) -> Any:
    found = asyncio.run(litellm.aresponses(model=MODEL, input="Hello", **site.at()))
    return {"text": found.output[0].content[0].text, "object": found.object}


@case("anthropic_messages")
def anthropic_messages(litellm: Any, site: Site) -> Any:
    found = asyncio.run(
        litellm.anthropic_messages(
            model="anthropic/claude-sonnet-4-5", messages=ASK, max_tokens=9, api_base=site.upstream.url(), api_key="k"
        )
    )
    return {
        "text": found["content"][0]["text"],
        "stop": found["stop_reason"],
        "sent": {name: site.upstream.last.body.get(name) for name in ("model", "max_tokens", "messages")},
        "key": site.upstream.last.headers.get("x-api-key"),
    }


@case("batch_completion")
def batch_completion(litellm: Any, site: Site) -> Any:
    found = litellm.batch_completion(model=MODEL, messages=[ASK, ASK], **site.at())
    failed = litellm.batch_completion(model=MODEL, messages=[ASK], **site.at("401"))
    return {"texts": [one.choices[0].message.content for one in found], "failed": type(failed[0]).__name__}


@case("batch_completion_models")
def batch_completion_models(litellm: Any, site: Site) -> Any:
    found = litellm.batch_completion_models(models=["openai/gpt-4o", "openai/gpt-4o-mini"], messages=ASK, **site.at())
    return {"text": found.choices[0].message.content}


@case("batch_completion_models_all_responses")
def batch_completion_models_all_responses(litellm: Any, site: Site) -> Any:
    models = ["openai/gpt-4o", "openai/gpt-4o-mini"]
    found = litellm.batch_completion_models_all_responses(models=models, messages=ASK, **site.at())
    return {"models": sorted(one.model for one in found)}


@case("completion_with_retries")
def completion_with_retries(litellm: Any, site: Site) -> Any:
    found = litellm.completion_with_retries(model=MODEL, messages=ASK, num_retries=2, **site.at("500-1"))
    return {"text": found.choices[0].message.content, "asked": len(site.upstream.asked)}
