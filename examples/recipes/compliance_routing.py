"""What holds personal data goes to a model of one's own, the rest to the cloud; the tools are the same for both.

python examples/recipes/compliance_routing.py
"""

import asyncio
import sys
from pathlib import Path

from choosing import CAPABLE, LOCAL, contains_pii

import tollbridge

SERVER = Path(__file__).parents[1] / "customer_service/server.py"
QUESTIONS = (
    "What is the account value of C-1001?",
    "What is the account value of C-1004? He is waiting for our call at +34 612 345 678.",
)


async def main() -> None:
    async with tollbridge.tools([sys.executable, SERVER]) as tools:
        for question in QUESTIONS:
            model = LOCAL if contains_pii(question) else CAPABLE
            done = await tollbridge.run(model, question, tools=tools)
            print(f"{model}: {done.text}")


if __name__ == "__main__":
    asyncio.run(main())
