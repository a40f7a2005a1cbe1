"""The assistant with openai-agents: its model and its MCP server are both the gateway's.

make serve                                                    # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/customer_service/with_openai_agents.py   # pip install openai-agents
"""

import asyncio
import os
import sys

from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStreamableHttp
from openai import AsyncOpenAI

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
KEY = os.environ["TOLLBRIDGE_KEY"]
MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"


async def main() -> None:
    set_tracing_disabled(True)  # traces would go to OpenAI
    model = OpenAIResponsesModel(MODEL, openai_client=AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY))
    gateway = {"url": f"{URL}/mcp", "headers": {"Authorization": f"Bearer {KEY}"}}
    async with MCPServerStreamableHttp(params=gateway) as server:
        agent = Agent(name="Customer service", model=model, mcp_servers=[server])
        result = await Runner.run(agent, "What is the account value of C-1001?")
        print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main())
