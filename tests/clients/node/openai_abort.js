// openai-node: a client that leaves in the middle, in each of its ways.
import OpenAI from "openai";
import { baseURL, run, seconds_until_left, told_of, user } from "./cases.js";

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const chat = client.chat.completions;
const long = " and on".repeat(40); // sixteen seconds, where nobody stops it

async function ask(prompt) {
  return (await chat.create({ model: "agent", messages: user(prompt) })).choices[0].message.content;
}

function asked(way) {
  return { model: "agent", messages: user(`slow ${way}${long}`) };
}

await run({
  async left_by_break() {
    const heard = [];
    for await (const chunk of await chat.create({ ...asked("break"), stream: true })) {
      heard.push(chunk.choices[0].delta.content ?? "");
      if (heard.length === 3) break;
    }
    return { heard, seconds: await seconds_until_left("slow break", ask) };
  },

  async left_by_controller() {
    const stream = await chat.create({ ...asked("controller"), stream: true });
    const heard = [];
    for await (const chunk of stream) {
      heard.push(chunk.choices[0].delta.content ?? "");
      if (heard.length === 3) stream.controller.abort();
    }
    return { heard, seconds: await seconds_until_left("slow controller", ask) };
  },

  async left_by_helper() {
    const stream = chat.stream(asked("helper"));
    const heard = [];
    stream.on("content", (delta) => {
      heard.push(delta);
      if (heard.length === 2) stream.abort();
    });
    const threw = await stream.finalChatCompletion().then(() => null, told_of);
    return { heard, threw, seconds: await seconds_until_left("slow helper", ask) };
  },

  async left_whole() {
    const signal = AbortSignal.timeout(300);
    const threw = await chat.create(asked("whole"), { signal }).then(() => null, told_of);
    return { threw, seconds: await seconds_until_left("slow whole", ask) };
  },

  async left_by_timeout() {
    const threw = await chat.create(asked("timeout"), { timeout: 300 }).then(() => null, told_of);
    return { threw, seconds: await seconds_until_left("slow timeout", ask) };
  },
});
