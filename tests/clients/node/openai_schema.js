// openai-node: replies in the shape of a Zod schema, parsed by the client.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { baseURL, run, Trip, user } from "./cases.js";

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const chat = client.chat.completions;
const asked = { model: "agent", messages: user("A trip, please."), response_format: zodResponseFormat(Trip, "trip") };

await run({
  parsed: () => chat.parse(asked),

  async streamed() {
    const stream = chat.stream(asked);
    const partial = [];
    const done = [];
    stream.on("content.delta", ({ parsed }) => partial.push(structuredClone(parsed)));
    stream.on("content.done", ({ content, parsed }) => done.push({ content, parsed }));
    return { message: await stream.finalMessage(), partial, done };
  },

  json_object: () => chat.create({ ...asked, response_format: { type: "json_object" } }),
});
