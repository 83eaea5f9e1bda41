// AI SDK: refusals and failures, before the first word and in the middle.
import { generateText, streamText, tool } from "ai";
import { model } from "./ai_sdk_model.js";
import { all, run, told_of, tools, Weather } from "./cases.js";

async function thrown(ask) {
  return { threw: await ask().then(() => null, told_of) };
}

async function streamed(prompt, more = {}) {
  const errors = [];
  const finished = [];
  const stream = streamText({
    model,
    prompt,
    maxRetries: 0,
    onError: ({ error }) => errors.push(told_of(error)),
    onFinish: ({ finishReason }) => finished.push(finishReason),
    ...more,
  });
  const parts = (await all(stream.fullStream)).map(({ type, text, finishReason, error }) => ({
    type,
    text,
    finishReason,
    error: error && told_of(error),
  }));
  return { parts, errors, finished, finishReason: await stream.finishReason.catch(told_of) };
}

function weather() {
  const { ran, weather } = tools();
  return { ran, tools: { weather: tool({ inputSchema: Weather, execute: weather }) } };
}

await run({
  refused_whole: () => thrown(() => generateText({ model, prompt: "refuse" })),
  refused_stream: () => streamed("refuse"),
  refused_midway: () => streamed("think, then refuse"),
  failed_whole: () => thrown(() => generateText({ model, prompt: "fail", maxRetries: 0 })),
  failed_midway: () => streamed("fail now"),

  // A call that was cut off must not run.
  async failed_tools() {
    const { ran, tools } = weather();
    return { ...(await streamed("weather, then fail", { tools })), ran };
  },

  after_all: async () => (await generateText({ model, prompt: "Still there?" })).text,
});
