/** A request as a Python program that uses OpenAI's client. */

import { python } from "./literal"
import { baseUrl, type CopiedRequest, KEY_VARIABLE } from "./request"

/** Every version of the client that streams takes these by name; all else goes through its `extra_body`. */
const NAMED = new Set(
  (
    "model messages stream stream_options temperature top_p max_tokens max_completion_tokens seed stop n tools " +
    "tool_choice parallel_tool_calls response_format frequency_penalty presence_penalty logprobs top_logprobs user"
  ).split(" "),
)

export function pythonProgram({ url, body, keyed }: CopiedRequest): string {
  const entries = Object.entries(body)
  const named = entries.filter(([name]) => NAMED.has(name))
  const extra = Object.fromEntries(entries.filter(([name]) => !NAMED.has(name)))
  const passed = named.map(([name, value]) => `    ${name}=${python(value, 4)},\n`)
  if (entries.length > named.length) passed.push(`    extra_body=${python(extra, 4)},\n`)
  return `# pip install openai
${keyed ? "import os\n\n" : ""}from openai import OpenAI

client = OpenAI(base_url=${python(baseUrl(url))}, api_key=${keyed ? `os.environ["${KEY_VARIABLE}"]` : '"none"'})
${body.stream === true ? "stream" : "reply"} = client.chat.completions.create(
${passed.join("")})
${body.stream === true ? STREAMED : WHOLE}`
}

const STREAMED = `for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
        for call in choice.delta.tool_calls or []:
            if call.function:
                name = f"\\n{call.function.name} " if call.function.name else ""
                print(name + (call.function.arguments or ""), end="", flush=True)
print()
`
const WHOLE = `message = reply.choices[0].message
print(message.content or "")
for call in message.tool_calls or []:
    if call.type == "function":
        print(call.function.name, call.function.arguments)
`
