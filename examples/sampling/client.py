"""Ask for an answer that meets the program's requirements: `python client.py [question]`."""

import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"), api_key="none")
question = sys.argv[1] if len(sys.argv) > 1 else "Describe a lighthouse."

reply = client.chat.completions.create(
    model="sampling", messages=[{"role": "user", "content": question}], max_tokens=80, temperature=0.7
)
print(reply.choices[0].message.content)
print(f"[{reply.usage.total_tokens} tokens, all attempts together]" if reply.usage else "")
