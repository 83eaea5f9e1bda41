"""Ask the program, and watch its words arrive: `python client.py [question]`."""

import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"), api_key="none")
question = sys.argv[1] if len(sys.argv) > 1 else "Is anybody there?"

for chunk in client.chat.completions.create(
    model="hello", messages=[{"role": "user", "content": question}], stream=True
):
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
