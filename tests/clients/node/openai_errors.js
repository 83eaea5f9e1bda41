// openai-node: refusals and failures, before the first word and in the middle; with the client's own retries left on.
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { baseURL, run, told_of, tools, Trip, until_error, user, Weather } from "./cases.js";

let sent = 0;
const counted = (...request) => {
  sent += 1;
  return fetch(...request);
};
const client = new OpenAI({ baseURL, apiKey: "none", fetch: counted });
const chat = client.chat.completions;

// Gives what was thrown and how often the request went out.
async function thrown(ask) {
  const before = sent;
  const threw = await ask().then(() => null, told_of);
  return { threw, sent: sent - before };
}

async function chunks(prompt) {
  const before = sent;
  const stream = await chat.create({ model: "agent", messages: user(prompt), stream: true });
  return { ...(await until_error(stream)), sent: sent - before };
}

async function helped(prompt, more = {}) {
  const stream = chat.stream({ model: "agent", messages: user(prompt), ...more });
  const heard = [];
  const events = [];
  stream.on("content", (delta) => heard.push(delta));
  for (const name of ["content.done", "finalContent", "finalMessage", "finalChatCompletion", "error", "end"]) {
    stream.on(name, () => events.push(name));
  }
  return { ...(await thrown(() => stream.finalChatCompletion())), heard, events };
}

// A call that was cut off must not run, and no second round may be asked for.
async function looped(stream) {
  const { ran, weather } = tools();
  const declared = [zodFunction({ name: "weather", parameters: Weather, function: weather })];
  const asked = { model: "agent", messages: user("weather, then fail"), tools: declared, stream };
  return { ...(await thrown(() => chat.runTools(asked).finalContent())), ran };
}

const trip = { response_format: zodResponseFormat(Trip, "trip") };

await run({
  refused_whole: () => thrown(() => chat.create({ model: "agent", messages: user("refuse") })),
  refused_stream: () => thrown(() => chat.create({ model: "agent", messages: user("refuse"), stream: true })),
  refused_midway: () => chunks("think, then refuse"),
  failed_whole: () => thrown(() => chat.create({ model: "agent", messages: user("fail") })),
  failed_midway: () => chunks("fail now"),
  failed_midway_helped: () => helped("fail now"),
  failed_midway_in_json: () => helped("fail now", trip),
  failed_parse: () => thrown(() => chat.parse({ model: "agent", messages: user("fail"), ...trip })),
  failed_tools_whole: () => looped(false),
  failed_tools_streamed: () => looped(true),
  no_messages: () => thrown(() => chat.create({ model: "agent", messages: [] })),
  wrong_type: () => thrown(() => chat.create({ model: "agent", messages: user("hi"), temperature: "hot" })),
  unknown_path: () => thrown(() => client.get("/nowhere")),
  unknown_method: () => thrown(() => client.delete("/models/agent")),
  after_all: () => chat.create({ model: "agent", messages: user("Still there?") }),
});
