// @vitest-environment node
/** Each copy is run as a reader would run it, and the server must get what the page had sent. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { curl } from "../../src/copying/curl"
import { javascriptProgram } from "../../src/copying/javascript"
import { pythonProgram } from "../../src/copying/python"
import { type Receiver, receive, run } from "./receiver"

const PYTHON = process.env.MSERVE_PYTHON ?? join(import.meta.dirname, "../../../.venv/bin/python")
const ALONE = "\ud800 and \udc00"
const HOSTILE = [
  `it's "quoted" \\ and \\' and \\" and '\\'' and \\`,
  "line\nline\r\nline\ttab\u0000\u0007\u001b[31m",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell would fill it in
  "$(touch pwned) `touch pwned` ${HOME} $HOME $1 $$ !! !$ ; & | > < * ? ~ # %s %(x)s {x} {{x}}",
  "\u2028 \u2029 \u0085 \u007f \ufeff \u202e \u200b",
  "é 漢字 😀 👩‍👩‍👧",
  "\nEND_OF_BODY\n",
  "</script><!-- */ // \"\"\" ''' `",
  "@/etc/passwd",
  "",
]
const BODY = {
  model: "a 'model'",
  messages: HOSTILE.map((content) => ({ role: "user", content })),
  stream: true,
  stream_options: { include_usage: true },
  temperature: 0.1,
  seed: 9007199254740991,
  stop: ["'", '"', "\\"],
  tools: [
    {
      type: "function",
      function: { name: "f", description: "'", parameters: { type: "object", properties: {}, required: [] } },
    },
  ],
  "it's $(extra)": { deep: [null, true, false, 1e21, -1.5e-7, { "": "'" }], __proto: 1 },
  class: "a word of Python's",
}
const TEXTS = JSON.parse(`{"__proto__": {"own": 1}, "constructor": "'"}`)

let receiver: Receiver
let folder: string

beforeAll(async () => {
  receiver = await receive()
  // Here the module finds the client that is installed beside it.
  folder = mkdtempSync(join(import.meta.dirname, "../../node_modules/.pasted-"))
})

afterAll(() => {
  receiver.close()
  rmSync(folder, { recursive: true })
})

function request(body: Record<string, unknown>, keyed = false) {
  return { url: receiver.url, body, keyed }
}

const inShell = (shell: string) => (text: string, environment?: object) => run([shell], text, environment)

async function inPython(text: string, environment?: object): Promise<string> {
  const file = join(folder, "ask.py")
  writeFileSync(file, text)
  return run([PYTHON, file], "", environment)
}

async function inNode(text: string, environment?: object): Promise<string> {
  const file = join(folder, "ask.mjs")
  writeFileSync(file, text)
  return run([process.execPath, file], "", environment)
}

const FORMS = [
  ["curl in bash", curl, inShell("bash")],
  ["curl in sh", curl, inShell("sh")],
  ["Python", pythonProgram, inPython],
  ["JavaScript", javascriptProgram, inNode],
] as const

for (const [name, write, start] of FORMS) {
  test(`${name}: hostile strings reach the server as they were, and nothing else runs`, {
    timeout: 60_000,
  }, async () => {
    const body = { ...BODY, metadata: TEXTS }
    expect(await start(write(request(body)))).toContain("it came")
    const [received, ...others] = receiver.taken()
    expect(others).toEqual([])
    expect(received?.path).toBe("/some/path/v1/chat/completions")
    expect(received?.key ?? "Bearer none").toBe("Bearer none")
    expect(sorted(JSON.parse(received?.text ?? ""))).toBe(sorted(body))
    expect(existsSync("pwned")).toBe(false)
  })

  test(`${name}: the key is the variable's, and never in the copy`, { timeout: 60_000 }, async () => {
    const text = write(request({ model: "m", messages: [{ role: "user", content: "hi" }], stream: true }, true))
    await start(text, { MSERVE_API_KEY: `a key: it's "$(so)" \\` })
    expect(receiver.taken().map(({ key }) => key)).toEqual([`Bearer a key: it's "$(so)" \\`])
  })

  test(`${name}: an answer that is not streamed is printed, too`, { timeout: 60_000 }, async () => {
    const body = { model: "m", messages: [{ role: "user", content: "hi" }] }
    expect(await start(write(request(body)))).toContain("it came")
    expect(receiver.taken().map(({ text }) => JSON.parse(text))).toEqual([body])
  })

  test(`${name}: a body larger than one argument may be`, { timeout: 60_000 }, async () => {
    const url = `data:image/png;base64,${"iVBORw0K'".repeat(60_000)}`
    const content = [{ type: "image_url", image_url: { url } }]
    const body = { model: "m", messages: [{ role: "user", content }], stream: true }
    expect(await start(write(request(body)))).toContain("it came")
    expect(receiver.taken().map(({ text }) => JSON.parse(text))).toEqual([body])
  })
}

for (const [name, write, start] of FORMS.slice(2)) {
  test(`${name}: calls are printed with their arguments, each in a line, and nothing of them is lost`, {
    timeout: 60_000,
  }, async () => {
    const body = { model: "caller", messages: [{ role: "user", content: "hi" }] }
    const called = '\nweather {"city": "Lisbon"}\ntime {}\n'
    expect(await start(write(request({ ...body, stream: true })))).toBe(called)
    expect(await start(write(request(body)))).toBe(called)
    receiver.taken()
  })

  test(`${name}: of words alone nothing but the words is printed`, { timeout: 60_000 }, async () => {
    const body = { model: "m", messages: [{ role: "user", content: "hi" }] }
    expect(await start(write(request({ ...body, stream: true })))).toBe("it came\n")
    expect(await start(write(request(body)))).toBe("it came\n")
    receiver.taken()
  })
}

test("half of a surrogate pair is sent as the page sent it; Python, which cannot, sends the replacement", async () => {
  const body = { model: "m", messages: [{ role: "user", content: ALONE }], stream: true }
  for (const [, write, start] of FORMS) await start(write(request(body)))
  const contents = receiver.taken().map(({ text }) => JSON.parse(text).messages[0].content)
  expect(contents).toEqual([ALONE, ALONE, "\ufffd and \ufffd", ALONE])
}, 60_000)

/** With the keys of each object in order: Python's client has its own. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1))
      : part,
  )
}
