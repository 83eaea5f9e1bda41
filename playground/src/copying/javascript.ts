/** A request as a JavaScript module that uses OpenAI's client. */

import { javascript } from "./literal"
import { baseUrl, type CopiedRequest, KEY_VARIABLE } from "./request"

export function javascriptProgram({ url, body, keyed }: CopiedRequest): string {
  const key = keyed ? `process.env.${KEY_VARIABLE}` : '"none"'
  return `// npm install openai; save it as ask.mjs; node ask.mjs
import OpenAI from "openai"

const client = new OpenAI({ baseURL: ${javascript(baseUrl(url))}, apiKey: ${key} })
const ${body.stream === true ? "stream" : "reply"} = await client.chat.completions.create(${javascript(body)})
${body.stream === true ? STREAMED : WHOLE}`
}

const STREAMED = `for await (const chunk of stream) {
    for (const { delta } of chunk.choices) {
        process.stdout.write(delta.content ?? "")
        for (const { function: call } of delta.tool_calls ?? []) {
            process.stdout.write((call?.name ? "\\n" + call.name + " " : "") + (call?.arguments ?? ""))
        }
    }
}
console.log()
`
const WHOLE = `const { content, tool_calls = [] } = reply.choices[0].message
console.log(content ?? "")
for (const { function: call } of tool_calls) if (call) console.log(call.name, call.arguments)
`
