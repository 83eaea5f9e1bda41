// openai-node: text, usage, reasoning and models; whole, chunk by chunk, and through the stream helper.
import OpenAI from "openai";
import { all, baseURL, run, user } from "./cases.js";

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const chat = client.chat.completions;
const hello = { model: "agent", messages: user("Good morning") };
const thought = { model: "agent", messages: user("think of it") };
const include_usage = { stream_options: { include_usage: true } };

async function helped(asked) {
  const stream = chat.stream(asked);
  const deltas = [];
  const names = [];
  stream.on("content.delta", ({ delta, snapshot }) => deltas.push({ delta, snapshot }));
  stream.on("content.done", ({ content }) => names.push(["content.done", content]));
  stream.on("error", () => names.push(["error"]));
  stream.on("end", () => names.push(["end"]));
  return {
    deltas,
    names,
    content: await stream.finalContent(),
    message: await stream.finalMessage(),
    completion: await stream.finalChatCompletion(),
    usage: await stream.totalUsage(),
  };
}

await run({
  whole: () => chat.create(hello),
  chunks: async () => all(await chat.create({ ...hello, stream: true })),
  chunks_with_usage: async () => all(await chat.create({ ...hello, stream: true, ...include_usage })),
  helped: () => helped(hello),
  helped_with_usage: () => helped({ ...hello, ...include_usage }),

  async arrivals() {
    const stream = await chat.create({ model: "agent", messages: user("slow boat"), stream: true });
    const times = [];
    for await (const chunk of stream) if (chunk.choices[0].delta.content) times.push(performance.now() / 1000);
    return times;
  },

  async response() {
    const { data, response } = await chat.create({ ...hello, stream: true }).withResponse();
    await all(data);
    return { status: response.status, type: response.headers.get("content-type") };
  },

  // What a web page's server does: it hands the stream on as lines, and the page puts it together again.
  async handed_on() {
    const { ChatCompletionStream } = await import("openai/lib/ChatCompletionStream");
    return ChatCompletionStream.fromReadableStream(chat.stream(hello).toReadableStream()).finalContent();
  },

  reasoning_whole: () => chat.create(thought),
  reasoning_chunks: async () => all(await chat.create({ ...thought, stream: true })),
  reasoning_helped: () => helped(thought),

  models: async () => all(client.models.list()),
  model: () => client.models.retrieve("agent"),
});
