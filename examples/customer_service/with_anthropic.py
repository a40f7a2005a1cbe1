"""The assistant with the Anthropic SDK: any model in Messages, and the gateway makes the calls of its tools.

make serve                                                    # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/customer_service/with_anthropic.py
"""

import os
import sys

from anthropic import Anthropic

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
KEY = os.environ["TOLLBRIDGE_KEY"]
MODEL = sys.argv[1] if len(sys.argv) > 1 else "demo/assistant"
TOOLS = {"type": "mcp", "server_label": "desk", "server_url": "tollbridge", "require_approval": "never"}


def main() -> None:
    client = Anthropic(base_url=URL, api_key=KEY)
    question = {"role": "user", "content": "What is the account value of C-1001?"}
    with client.messages.stream(model=MODEL, max_tokens=500, messages=[question], tools=[TOOLS]) as stream:
        for text in stream.text_stream:
            print(text, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
