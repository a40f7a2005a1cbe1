"""The assistant as it is written for LiteLLM, word for word. What runs it is Tollbridge:

python -m tollbridge.compat.litellm examples/customer_service/with_litellm.py
"""

import asyncio
import json
import sys
from pathlib import Path

import litellm
from litellm import experimental_mcp_client
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

MODELS = sys.argv[1:] or ["demo/first", "demo/second"]
SERVER = StdioServerParameters(command=sys.executable, args=[str(Path(__file__).with_name("server.py"))])
QUESTION = "What is the account value of C-1001?"


async def main() -> None:
    async with stdio_client(SERVER) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = await experimental_mcp_client.load_mcp_tools(session=session, format="openai")
        for model in MODELS:
            messages = [{"role": "user", "content": QUESTION}]
            response = await litellm.acompletion(model=model, messages=messages, tools=tools)
            message = response.choices[0].message
            messages.append(message)
            for call in message.tool_calls or []:
                arguments = json.loads(call.function.arguments)
                result = await session.call_tool(call.function.name, arguments)
                messages.append({"role": "tool", "content": result.content[0].text, "tool_call_id": call.id})
            final = await litellm.acompletion(model=model, messages=messages, tools=tools)
            print(f"{model}: {final.choices[0].message.content}")
            print(f"${litellm.completion_cost(completion_response=final):.4f}")


if __name__ == "__main__":
    asyncio.run(main())
