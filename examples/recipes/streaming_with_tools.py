"""An answer that is shown while it is written, by a model that calls tools meanwhile.

python examples/recipes/streaming_with_tools.py
python examples/recipes/streaming_with_tools.py gpt-4.1

`tollbridge.run(..., on_text=print)` does all of this; here is what happens inside.
"""

import asyncio
import sys
from pathlib import Path

import tollbridge

MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
SERVER = Path(__file__).parents[1] / "customer_service/server.py"


async def main() -> None:
    messages = [{"role": "user", "content": "What is the account value of C-1001?"}]
    async with tollbridge.tools([sys.executable, SERVER]) as tools:
        while True:
            chunks = []
            async for chunk in await tollbridge.acompletion(MODEL, messages, tools=list(tools), stream=True):
                chunks.append(chunk)
                delta = chunk.choices[0].delta
                print(delta.content or "", end="", flush=True)
                for call in delta.tool_calls or []:
                    print(call.function.name or call.function.arguments, end="", flush=True)  # the name comes first
            print()
            message = tollbridge.stream_chunk_builder(chunks).choices[0].message
            messages.append(message)
            if not message.tool_calls:
                return
            messages += [await tools.call_openai_tool(call) for call in message.tool_calls]


if __name__ == "__main__":
    asyncio.run(main())
