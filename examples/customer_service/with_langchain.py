"""The assistant with LangChain and its MCP adapters: an agent whose model and tools are the gateway's.

make serve                                                    # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/customer_service/with_langchain.py  # pip install langchain langchain-openai langchain-mcp-adapters
"""

import asyncio
import os
import sys

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
KEY = os.environ["TOLLBRIDGE_KEY"]
MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"


async def main() -> None:
    gateway = {"transport": "streamable_http", "url": f"{URL}/mcp", "headers": {"Authorization": f"Bearer {KEY}"}}
    tools = await MultiServerMCPClient({"gateway": gateway}).get_tools()
    agent = create_agent(ChatOpenAI(model=MODEL, base_url=f"{URL}/v1", api_key=KEY), tools)
    said = {"role": "user", "content": "What is the account value of C-1001?"}
    print((await agent.ainvoke({"messages": [said]}))["messages"][-1].text)


if __name__ == "__main__":
    asyncio.run(main())
