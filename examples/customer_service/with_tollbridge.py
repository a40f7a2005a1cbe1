"""The assistant in Python alone: any model, the server's tools, and the loop between them.

python examples/customer_service/with_tollbridge.py
python examples/customer_service/with_tollbridge.py gpt-4.1 claude-sonnet-4-0
"""

import asyncio
import sys
from pathlib import Path

import tollbridge

MODELS = sys.argv[1:] or ["demo/first", "demo/second"]
SERVER = Path(__file__).with_name("server.py")
QUESTION = "What is the account value of C-1001?"


async def main() -> None:
    async with tollbridge.tools([sys.executable, SERVER]) as tools:
        for model in MODELS:
            done = await tollbridge.run(model, QUESTION, tools=tools)
            for call in done.calls:
                print(f"{model} called {call.name} with {call.arguments}")
            print(f"{done.text}\n${done.cost:.4f} in {done.rounds} rounds")


if __name__ == "__main__":
    asyncio.run(main())
