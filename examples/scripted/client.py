"""See each shape that a reply can have: `python client.py`."""

import os
from typing import Any

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"), api_key="none")
PLACE = {"type": "object", "properties": {"city": {"type": "string"}}}
SHAPES: dict[str, dict[str, Any]] = {
    "text": {},
    "a call": {
        "tools": [{"type": "function", "function": {"name": "go", "parameters": PLACE}}],
        "tool_choice": "required",
    },
    "JSON": {"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE}}},
}

for name, asked in SHAPES.items():
    reply = client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "hello"}], **asked)
    message = reply.choices[0].message
    calls = [f"{call.function.name}({call.function.arguments})" for call in message.tool_calls or []]
    print(f"{name}: {message.content or ', '.join(calls)}")
