// AI SDK: a client that leaves in the middle.
import { generateText, streamText } from "ai";
import { model } from "./ai_sdk_model.js";
import { provider, run, seconds_until_left, told_of } from "./cases.js";

const long = " and on".repeat(40); // sixteen seconds, where nobody stops it

async function ask(prompt) {
  return (await generateText({ model, prompt, maxRetries: 0 })).text;
}

await run({
  async left_streamed() {
    const controller = new AbortController();
    const name = `slow stream of ${provider}`;
    const aborted = [];
    const stream = streamText({
      model,
      prompt: name + long,
      maxRetries: 0,
      abortSignal: controller.signal,
      onAbort: () => aborted.push("aborted"),
    });
    const heard = [];
    const types = [];
    for await (const part of stream.fullStream) {
      types.push(part.type);
      if (part.type === "text-delta" && heard.push(part.text) === 2) controller.abort();
    }
    return { heard, types, aborted, seconds: await seconds_until_left(name, ask) };
  },

  async left_whole() {
    const name = `slow reply of ${provider}`;
    const asked = { model, prompt: name + long, maxRetries: 0, abortSignal: AbortSignal.timeout(300) };
    const threw = await generateText(asked).then(() => null, told_of);
    return { threw, seconds: await seconds_until_left(name, ask) };
  },
});
