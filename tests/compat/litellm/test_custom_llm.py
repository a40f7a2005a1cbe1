"""Providers that a program writes itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import tollbridge

ASK = [{"role": "user", "content": "Hello"}]


def mine(litellm: Any, seen: list[dict[str, Any]]) -> Any:
    class Mine(litellm.CustomLLM):  # type: ignore[misc]
        def completion(self, model: str, messages: Any, model_response: Any, optional_params: Any, **rest: Any) -> Any:
            seen.append({"model": model, "messages": messages, "optional_params": optional_params, **rest})
            model_response.choices[0].message.content = f"{model}: {messages[-1]['content']}"
            return model_response

        async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
            return litellm.completion(model="gpt-4o", messages=kwargs["messages"], mock_response="from within")

        def streaming(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
            for word in ("one ", "two"):
                yield {"text": word, "is_finished": False, "index": 0}
            usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
            yield litellm.types.utils.GenericStreamingChunk(
                text="", is_finished=True, finish_reason="stop", usage=usage, index=0
            )

        async def astreaming(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            for chunk in self.streaming():
                yield chunk

        def embedding(self, model: str, input: Any, model_response: Any, **rest: Any) -> Any:
            model_response.data = [{"object": "embedding", "index": i, "embedding": [0.5]} for i, _ in enumerate(input)]
            return model_response

    return Mine()


def test_a_handler_answers_for_the_models_of_its_provider(litellm: Any) -> None:
    seen: list[dict[str, Any]] = []
    litellm.custom_provider_map = [{"provider": "mine", "custom_handler": mine(litellm, seen)}]
    answered = litellm.completion(
        model="mine/some/model", messages=ASK, temperature=0.1, api_base="http://here", api_key="sk-x", timeout=3
    )
    assert isinstance(answered, litellm.ModelResponse)
    assert answered.choices[0].message.content == "some/model: Hello"
    (told,) = seen
    assert told["optional_params"] == {"temperature": 0.1}
    assert (told["api_base"], told["api_key"], told["timeout"]) == ("http://here", "sk-x", 3)
    assert told["litellm_params"] == {"metadata": {}, "api_base": "http://here"}
    assert litellm.completion("m", ASK, custom_llm_provider="mine").choices[0].message.content == "m: Hello"
    assert litellm.completion("demo/one", ASK).model == "one"
    assert len(seen) == 2


def test_async_streams_and_embeddings_too(litellm: Any) -> None:
    litellm.custom_provider_map = [{"provider": "mine", "custom_handler": mine(litellm, [])}]
    told: list[Any] = []
    litellm.success_callback = [lambda kwargs, response, start, end: told.append(response)]
    chunks = list(litellm.completion("mine/x", ASK, stream=True))
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["one ", "two", ""]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert told[-1].choices[0].message.content == "one two"
    assert told[-1].usage.total_tokens == 3

    async def both() -> tuple[str, str]:
        whole = await litellm.acompletion("mine/x", ASK)
        stream = await litellm.acompletion("mine/x", ASK, stream=True)
        return whole.choices[0].message.content, "".join([c.choices[0].delta.content async for c in stream])

    assert asyncio.run(both()) == ("from within", "one two")
    assert [one.embedding for one in litellm.embedding("mine/x", ["a", "b"]).data] == [[0.5], [0.5]]


def test_images_too(litellm: Any) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    class Painter(litellm.CustomLLM):  # type: ignore[misc]
        def image_generation(self, **told: Any) -> Any:
            seen.append(("image_generation", told))
            told["model_response"].data = [{"url": f"https://x.invalid/{told['prompt']}"}]
            return told["model_response"]

        async def aimage_generation(self, **told: Any) -> Any:
            return self.image_generation(**told)

        def image_edit(self, **told: Any) -> Any:
            seen.append(("image_edit", told))
            return told["model_response"]

    heard: list[Any] = []
    litellm.success_callback = [lambda kwargs, response, start, end: heard.append(kwargs["call_type"])]
    litellm.custom_provider_map = [{"provider": "mine", "custom_handler": Painter()}]
    made = litellm.image_generation(prompt="cat", model="mine/brush", size="1x1", api_key="sk-x", timeout=3)
    assert isinstance(made, litellm.ImageResponse)
    assert made.data[0].url == "https://x.invalid/cat"
    assert asyncio.run(litellm.aimage_generation("dog", "mine/brush")).data[0].url.endswith("dog")
    edited = litellm.image_edit(image=b"png", prompt="hat", model="mine/brush", n=2)
    assert edited.data == []
    (_, first), _, (name, last) = seen
    assert (first["model"], first["api_key"], first["timeout"]) == ("brush", "sk-x", 3)
    assert first["optional_params"] == {"size": "1x1"}
    assert (name, last["image"], last["prompt"], last["optional_params"]) == ("image_edit", b"png", "hat", {"n": 2})
    assert heard == ["image_generation", "aimage_generation", "image_edit"]
    with pytest.raises(litellm.CustomLLMError, match="Painter has no `aimage_edit`"):
        asyncio.run(litellm.aimage_edit(b"png", "hat", "mine/brush"))


def test_whose_it_is_is_known_and_who_is_not_asked_is_told(litellm: Any) -> None:
    litellm.custom_provider_map = [{"provider": "mine", "custom_handler": mine(litellm, [])}]
    assert litellm.get_llm_provider("mine/some/model") == ("some/model", "mine", None, None)
    assert litellm.get_llm_provider("m", custom_llm_provider="mine")[:2] == ("m", "mine")
    assert litellm.get_llm_provider("gpt-4o")[1] == "openai"
    for ask in (
        lambda: litellm.responses("mine/x", "Hello"),
        lambda: litellm.text_completion("mine/x", "Hello"),
        lambda: asyncio.run(litellm.anthropic_messages("mine/x", ASK, 9)),
        lambda: litellm.Router([{"model_name": "fast", "litellm_params": {"model": "mine/x"}}]),
    ):
        with pytest.raises(tollbridge.NotBuilt, match="of a CustomLLM"):
            ask()


def test_what_a_handler_lacks_is_its_own_error_and_is_told(litellm: Any) -> None:
    class Bare(litellm.CustomLLM):  # type: ignore[misc]
        pass

    failures: list[Any] = []
    litellm.failure_callback = [lambda kwargs, response, start, end: failures.append(kwargs["exception"])]
    litellm.custom_provider_map = [{"provider": "bare", "custom_handler": Bare()}]
    with pytest.raises(litellm.CustomLLMError, match="Bare has no `completion`") as raised:
        litellm.completion("bare/x", ASK)
    assert raised.value.status_code == 500
    assert failures == [raised.value]
    with pytest.raises(litellm.NotFoundError):
        litellm.completion("barer/x", ASK)
