"""The assistant with the OpenAI SDK and the MCP SDK: models and tools are the gateway's, the loop is the program's own.

make serve                                                    # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/customer_service/with_openai.py
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from openai import AsyncOpenAI

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
KEY = os.environ["TOLLBRIDGE_KEY"]
MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"


def as_function(tool):
    return {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}


async def main() -> None:
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"})
    gateway = streamable_http_client(f"{URL}/mcp", http_client=http)
    async with AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY) as model, http, Client(gateway) as server:
        tools = [{"type": "function", "function": as_function(tool)} for tool in (await server.list_tools()).tools]
        messages = [{"role": "user", "content": "What is the account value of C-1001?"}]
        while True:
            answer = await model.chat.completions.create(model=MODEL, messages=messages, tools=tools)
            message = answer.choices[0].message
            messages.append(message)
            if not message.tool_calls:
                break
            for call in message.tool_calls:
                result = await server.call_tool(call.function.name, json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result.content[0].text})
    print(message.content)


if __name__ == "__main__":
    asyncio.run(main())
