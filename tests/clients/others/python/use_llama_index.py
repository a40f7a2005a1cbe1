"""LlamaIndex; the argument is the provider whose format it speaks (openai, anthropic)."""

from __future__ import annotations

from typing import Any

from cases import KEY, PROVIDER, QUESTION, URL, Answer, as_function, each
from llama_index.core.base.llms.types import ChatMessage, LLMMetadata, MessageRole, TextBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai_like import OpenAILike


class AnyName(Anthropic):
    """The class itself knows the context window of Anthropic's own names alone, and asks for it before each call."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name=self.model, is_chat_model=True, is_function_calling_model=True)


def model(name: str) -> FunctionCallingLLM:
    if PROVIDER == "anthropic":
        return AnyName(model=name, base_url=URL, api_key=KEY, max_retries=0, max_tokens=500)
    return OpenAILike(
        model=name,
        api_base=f"{URL}/v1",
        api_key=KEY,
        max_retries=0,
        is_chat_model=True,
        is_function_calling_model=True,
    )


class Described(ToolMetadata):
    """A tool whose schema is given as it stands."""

    def __init__(self, tool: dict[str, Any]) -> None:
        super().__init__(name=tool["name"], description=tool["description"])
        self._tool = tool

    def get_parameters_dict(self) -> dict[str, Any]:
        schema: dict[str, Any] = self._tool["schema"]
        return schema

    def to_openai_tool(self, skip_length_check: bool = False) -> dict[str, Any]:
        return as_function(self._tool)


def answer(case: dict[str, Any]) -> Answer:
    llm = model(case["model"])
    tool = case["tool"]
    messages = [ChatMessage(role=MessageRole.USER, content=QUESTION)]

    def complete() -> Any:
        if not tool:
            return list(llm.stream_chat(messages))[-1] if case["stream"] else llm.chat(messages)
        tools = [FunctionTool(fn=lambda **_: tool["result"], metadata=Described(tool))]
        said: Any = {"tools": tools, "chat_history": messages}
        return list(llm.stream_chat_with_tools(**said))[-1] if case["stream"] else llm.chat_with_tools(**said)

    first = last = complete()
    calls = llm.get_tool_calls_from_response(first, error_on_no_tool_call=False) if tool else []
    if case["loop"]:
        messages.append(first.message)
        messages += [
            ChatMessage(
                role=MessageRole.TOOL,
                content=tool["result"],
                additional_kwargs={"tool_call_id": call.tool_id},
            )
            for call in calls
        ]
        last = complete()
    texts = [block.text for block in last.message.blocks if isinstance(block, TextBlock)]
    return "".join(texts), [(call.tool_name, call.tool_kwargs) for call in calls]


each(answer)
