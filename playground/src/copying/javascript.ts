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
    for (const choice of chunk.choices) process.stdout.write(choice.delta.content ?? "")
}
console.log()
`
const WHOLE = "console.log(reply.choices[0].message.content)\n"
