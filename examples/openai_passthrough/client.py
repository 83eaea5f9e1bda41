"""Talk to the program as if it were the model behind it: `python client.py [question]`."""

import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"), api_key="none")
question = sys.argv[1] if len(sys.argv) > 1 else "Name three colours."

with client.chat.completions.stream(model="passthrough", messages=[{"role": "user", "content": question}]) as stream:
    for event in stream:
        if event.type == "content.delta":
            print(event.delta, end="", flush=True)
print()
