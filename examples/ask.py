"""One question to any model, as a stream, with a second model to go to when the first fails.

python examples/ask.py                                    the offline model
python examples/ask.py "Why is the sky blue?" gpt-4.1     needs OPENAI_API_KEY
"""

import sys

from tollbridge import APIError, completion

question = sys.argv[1] if len(sys.argv) > 1 else "Hello!"
model = sys.argv[2] if len(sys.argv) > 2 else "demo/hello"

try:
    stream = completion(
        model=model,
        messages=[{"role": "user", "content": question}],
        fallbacks=["demo/second"],
        stream=True,
    )
    for chunk in stream:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print(f"\n[{stream.usage.total_tokens} tokens]")
except APIError as error:
    sys.exit(f"{type(error).__name__}: {error}")
