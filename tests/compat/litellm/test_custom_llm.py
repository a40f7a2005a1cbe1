"""Providers that a program writes itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
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


def flaky(litellm: Any, *errors: Exception) -> Any:
    waiting = list(errors)

    class Handler(litellm.CustomLLM):  # type: ignore[misc]
        asked: list[dict[str, Any]] = []

        def completion(self, **told: Any) -> Any:
            self.asked.append(told)
            if waiting:
                raise waiting.pop(0)
            told["model_response"].choices[0].message.content = f"mine: {told['model']}"
            return told["model_response"]

        async def acompletion(self, **told: Any) -> Any:
            return self.completion(**told)

        def streaming(self, **told: Any) -> Iterator[Any]:
            yield {"text": self.completion(**told).choices[0].message.content, "is_finished": True}

        async def astreaming(self, **told: Any) -> AsyncIterator[Any]:
            for chunk in self.streaming(**told):
                yield chunk

    Handler.asked = []
    litellm.custom_provider_map = [{"provider": "mine", "custom_handler": Handler()}]
    return Handler


def asked_four_ways(litellm: Any, model: str, **said: Any) -> Iterator[str]:
    """What is answered: sync and async, whole and as a stream."""
    yield litellm.completion(model, ASK, **said).choices[0].message.content
    yield "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(model, ASK, stream=True, **said))

    async def both() -> tuple[str, str]:
        whole = await litellm.acompletion(model, ASK, **said)
        stream = await litellm.acompletion(model, ASK, stream=True, **said)
        return whole.choices[0].message.content, "".join([one.choices[0].delta.content or "" async for one in stream])

    yield from asyncio.run(both())


def test_a_handler_is_asked_again_as_num_retries_says(litellm: Any) -> None:
    handler = flaky(litellm, litellm.CustomLLMError(503, "busy"))
    assert litellm.completion("mine/x", ASK, num_retries=1).choices[0].message.content == "mine: x"
    assert len(handler.asked) == 2
    handler = flaky(litellm, OSError("gone"))
    (chunk,) = litellm.completion("mine/x", ASK, num_retries=1, stream=True)
    assert chunk.choices[0].delta.content == "mine: x"
    assert len(handler.asked) == 2
    handler = flaky(litellm, litellm.RateLimitError("slow down", "mine", "x"))
    assert asyncio.run(litellm.acompletion("mine/x", ASK, num_retries=1)).choices[0].message.content == "mine: x"
    for error in (litellm.CustomLLMError(400, "no"), litellm.BadRequestError("no", "x", "mine")):
        handler = flaky(litellm, error)
        with pytest.raises(type(error), match="no"):
            litellm.completion("mine/x", ASK, num_retries=3)
        assert len(handler.asked) == 1
    handler = flaky(litellm, OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        litellm.completion("mine/x", ASK)
    assert len(handler.asked) == 1


def test_when_a_handler_fails_its_fallbacks_are_asked(litellm: Any) -> None:
    errors = [litellm.CustomLLMError(500, "broken") for _ in range(4)]
    handler = flaky(litellm, *errors)
    told: list[Any] = []
    litellm.success_callback = [lambda kwargs, response, start, end: told.append(kwargs["custom_llm_provider"])]
    said = {"api_key": "sk-mine", "fallbacks": ["demo/one"], "temperature": 0.5}
    assert all("Hello" in answer for answer in asked_four_ways(litellm, "mine/x", **said))
    assert len(handler.asked) == 4
    assert told == ["demo"] * 4
    litellm.fallbacks = ["demo/one"]
    flaky(litellm, errors[0])
    assert "Hello" in litellm.completion("mine/x", ASK).choices[0].message.content


def test_a_custom_model_is_a_fallback_of_others_and_gets_none_of_their_keys(litellm: Any, no_keys: Path) -> None:
    handler = flaky(litellm)
    told: list[Any] = []
    litellm.success_callback = [lambda kwargs, response, start, end: told.append(kwargs["custom_llm_provider"])]
    said = {"api_key": "sk-demo", "num_retries": 0, "fallbacks": ["demo/error-503", "mine/y"], "temperature": 0.5}
    assert list(asked_four_ways(litellm, "demo/error-500", **said)) == ["mine: y"] * 4
    assert told == ["mine"] * 4
    assert [(one["api_key"], one["optional_params"]) for one in handler.asked] == [(None, {"temperature": 0.5})] * 4
    own = {"model": "mine/z", "api_key": "sk-z", "messages": [{"role": "user", "content": "Again"}]}
    answered = litellm.completion("gpt-4o", ASK, fallbacks=[own])  # without a key it cannot be asked
    assert answered.choices[0].message.content == "mine: z"
    assert (handler.asked[-1]["api_key"], handler.asked[-1]["messages"]) == ("sk-z", own["messages"])
    litellm.completion("mine/x", ASK, api_key="sk-mine", fallbacks=["demo/one"])
    assert handler.asked[-1]["api_key"] == "sk-mine"


def test_where_all_fail_the_error_is_that_of_the_model_asked_for(litellm: Any) -> None:
    flaky(litellm, litellm.CustomLLMError(500, "first"), litellm.CustomLLMError(500, "second"))
    with pytest.raises(litellm.CustomLLMError, match="first"):
        litellm.completion("mine/x", ASK, fallbacks=["mine/y", "demo/error-500"], num_retries=0)
    flaky(litellm, litellm.CustomLLMError(500, "mine"))
    with pytest.raises(litellm.RateLimitError):
        litellm.completion("demo/error-429", ASK, fallbacks=["mine/y"], num_retries=0)


def test_a_request_that_is_too_long_for_a_handler_goes_to_the_larger_model(litellm: Any) -> None:
    flaky(litellm, litellm.ContextWindowExceededError("too long", "x", "mine"))
    answered = litellm.completion("mine/x", ASK, context_window_fallback_dict={"mine/x": "mine/large"})
    assert answered.choices[0].message.content == "mine: large"
    flaky(litellm, litellm.CustomLLMError(500, "broken"))
    with pytest.raises(litellm.CustomLLMError, match="broken"):
        litellm.completion("mine/x", ASK, context_window_fallback_dict={"mine/x": "mine/large"})


def test_a_custom_fallback_of_a_call_that_no_handler_answers_is_refused(litellm: Any) -> None:
    flaky(litellm)
    with pytest.raises(tollbridge.NotBuilt, match="responses of a CustomLLM"):
        litellm.responses(model="demo/one", input="Hello", fallbacks=["mine/x"])


def test_callbacks_are_told_whose_a_custom_model_is(litellm: Any) -> None:
    flaky(litellm)
    told: list[Any] = []
    litellm.input_callback = [lambda kwargs: told.append((kwargs["custom_llm_provider"], kwargs["model"]))]
    litellm.success_callback = [
        lambda kwargs, response, start, end: told.append((kwargs["custom_llm_provider"], kwargs["model"]))
    ]
    answered = litellm.completion("mine/x/y", ASK)
    assert told == [("mine", "x/y")] * 2
    assert answered._hidden_params["custom_llm_provider"] == "mine"
    stream = litellm.completion("mine/x", ASK, stream=True)
    assert (stream.custom_llm_provider, stream.model) == ("mine", "x")
    list(stream)
    assert told[2:] == [("mine", "x")] * 2


def test_a_mock_stands_for_a_custom_model_too(litellm: Any) -> None:
    handler = flaky(litellm)
    assert litellm.completion("mine/x", ASK, mock_response="Hi").choices[0].message.content == "Hi"
    assert handler.asked == []
