"""Ask the program, streamed or whole: `python client.py [--whole] [question]`."""

import os
import sys

from openai import OpenAI, Stream

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"), api_key="none")
STREAM = "--whole" not in sys.argv  # the one switch
question = next((word for word in sys.argv[1:] if word != "--whole"), "Why is the sky blue? Answer in two sentences.")

reply = client.chat.completions.create(
    model="streaming", messages=[{"role": "user", "content": question}], max_completion_tokens=200, stream=STREAM
)
if isinstance(reply, Stream):
    for chunk in reply:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()
else:
    print(reply.choices[0].message.content)
