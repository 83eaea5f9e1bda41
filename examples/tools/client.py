"""Answer the program's tool calls until it has an answer: `python client.py [question]`."""

import json
import os
import sys
from typing import Any

from openai import OpenAI

client = OpenAI(base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1"), api_key="none")
question = sys.argv[1] if len(sys.argv) > 1 else "What is the weather in Lisbon?"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}]

messages: list[Any] = [{"role": "user", "content": question}]
while True:
    reply = client.chat.completions.create(model="tools", messages=messages, tools=TOOLS).choices[0]
    messages.append(reply.message)
    if reply.finish_reason != "tool_calls":
        break
    for call in reply.message.tool_calls or []:
        if call.type == "function":
            city = json.loads(call.function.arguments)["city"]
            print(f"[{call.function.name} is asked about {city}]")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": f"sunny in {city}"})
print(reply.message.content)
