"""An agent with a database, an HTTP API and files, each over MCP. The files join while it is at work.

python examples/agent/agent.py
python examples/agent/agent.py claude-sonnet-4-5
"""

import asyncio
import sys
from pathlib import Path

import stock

import tollbridge

MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
HERE = Path(__file__).parent
DATABASE = [sys.executable, HERE / "orders.py"]
FILES = [sys.executable, HERE / "papers.py"]
QUESTIONS = (
    "Find the orders that are open.",
    "How much stock is there of SKU-7?",
    "Read the paper 'returns.md': who pays the postage?",
)


async def main() -> None:
    messages = []
    with stock.serving() as url:
        api = {"url": url, "spec_path": f"{url}/openapi.json"}  # each operation is a tool
        async with tollbridge.tools(orders=DATABASE, stock=api) as tools:
            for question in QUESTIONS:
                if "paper" in question:
                    await tools.add(papers=FILES)
                print(f"> {question}  [{', '.join(tools.names)}]")
                done = await tollbridge.run(MODEL, [*messages, {"role": "user", "content": question}], tools=tools)
                messages = done.messages
                print(done.text)


if __name__ == "__main__":
    asyncio.run(main())
