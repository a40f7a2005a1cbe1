"""langchain-google-genai."""

from __future__ import annotations

from typing import Any

from cases import KEY, QUESTION, URL, Answer, each
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_google_genai import ChatGoogleGenerativeAI


def answer(case: dict[str, Any]) -> Answer:
    tool = case["tool"]
    llm: Any = ChatGoogleGenerativeAI(model=case["model"], api_key=KEY, base_url=URL, max_retries=1)
    if tool:
        described = {"title": tool["name"], "description": tool["description"], **tool["schema"]}
        llm = llm.bind_tools([described])
    messages: list[BaseMessage] = [HumanMessage(QUESTION)]

    def complete() -> Any:
        if not case["stream"]:
            return llm.invoke(messages)
        chunks = list(llm.stream(messages))
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole += chunk
        return whole

    first = last = complete()
    if case["loop"]:
        messages.append(first)
        messages += [ToolMessage(tool["result"], tool_call_id=call["id"]) for call in first.tool_calls]
        last = complete()
    return last.text, [(call["name"], call["args"]) for call in first.tool_calls]


each(answer)
