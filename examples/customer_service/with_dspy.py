"""The assistant with DSPy: a signature whose answer is the calls of tools, which are then made over MCP.

make serve                                                    # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/customer_service/with_dspy.py  # pip install dspy mcp
"""

import asyncio
import os
import sys

import dspy
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
KEY = os.environ["TOLLBRIDGE_KEY"]
MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"


class Gateway(dspy.LM):
    supports_function_calling = True  # every model of the gateway has tools; DSPy does not know their names


class Assist(dspy.Signature):
    """Look up what the customer service needs to know."""

    question: str = dspy.InputField()
    tools: list[dspy.Tool] = dspy.InputField()
    calls: dspy.ToolCalls = dspy.OutputField()


async def main() -> None:
    model = Gateway(f"openai/{MODEL}", api_base=f"{URL}/v1", api_key=KEY, cache=False)
    dspy.configure(lm=model, adapter=dspy.ChatAdapter(use_native_function_calling=True))
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"})
    async with http, Client(streamable_http_client(f"{URL}/mcp", http_client=http)) as server:
        tools = [dspy.Tool.from_mcp_tool(server, tool) for tool in (await server.list_tools()).tools]
        chosen = await dspy.Predict(Assist).acall(question="What is the account value of C-1001?", tools=tools)
        for call in chosen.calls.tool_calls:
            print(await call.execute(tools))


if __name__ == "__main__":
    asyncio.run(main())
