// openai-node: tool calls whole and piece by piece, and the loop that runs the tools by itself.
import OpenAI from "openai";
import { zodFunction } from "openai/helpers/zod";
import { z } from "zod";
import { all, baseURL, Clock, run, tools, user, Weather } from "./cases.js";

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const chat = client.chat.completions;

const weather = { name: "weather", parameters: z.toJSONSchema(Weather) };
const clock = { name: "clock", parameters: z.toJSONSchema(Clock) };
const declared = [weather, clock].map((one) => ({ type: "function", function: one }));
const asked = { model: "agent", messages: user("How is the weather?"), tools: declared };

function runnable() {
  const made = tools();
  const parse = JSON.parse;
  const one = { type: "function", function: { ...weather, parse, function: made.weather } };
  const other = { type: "function", function: { ...clock, parse, function: made.clock } };
  return { ran: made.ran, tools: [one, other] };
}

async function looped(ran, runner) {
  const results = [];
  runner.on("functionToolCallResult", (result) => results.push(result));
  return {
    content: await runner.finalContent(),
    ran,
    results,
    messages: runner.messages,
    completions: runner.allChatCompletions(),
    usage: await runner.totalUsage(),
  };
}

await run({
  whole: () => chat.create(asked),
  required: () => chat.create({ ...asked, tool_choice: "required", messages: user("Good morning") }),
  named: () => chat.create({ ...asked, tool_choice: { type: "function", function: { name: "clock" } } }),
  none: () => chat.create({ ...asked, tool_choice: "none" }),
  chunks: async () => all(await chat.create({ ...asked, stream: true })),

  async helped() {
    const stream = chat.stream({ ...asked, stream_options: { include_usage: true } });
    const deltas = [];
    const done = [];
    stream.on("tool_calls.function.arguments.delta", (event) => deltas.push({ ...event }));
    stream.on("tool_calls.function.arguments.done", (event) => done.push({ ...event }));
    const call = await stream.finalFunctionToolCall();
    return { deltas, done, call, completion: await stream.finalChatCompletion() };
  },

  async helped_with_zod() {
    const strict = [
      zodFunction({ name: "weather", parameters: Weather }),
      zodFunction({ name: "clock", parameters: Clock }),
    ];
    const stream = chat.stream({ ...asked, tools: strict });
    const done = [];
    stream.on("tool_calls.function.arguments.done", (event) => done.push({ ...event }));
    return { done, message: await stream.finalMessage() };
  },

  async run_whole() {
    const { ran, tools } = runnable();
    return looped(ran, chat.runTools({ ...asked, tools }));
  },

  async run_streamed() {
    const { ran, tools } = runnable();
    const runner = chat.runTools({ ...asked, tools, stream: true, stream_options: { include_usage: true } });
    const said = [];
    runner.on("content", (delta) => said.push(delta));
    return { said, ...(await looped(ran, runner)) };
  },

  async run_with_zod() {
    const made = tools();
    const strict = [
      zodFunction({ name: "weather", parameters: Weather, function: made.weather }),
      zodFunction({ name: "clock", parameters: Clock, function: made.clock }),
    ];
    return looped(made.ran, chat.runTools({ ...asked, tools: strict, stream: true }));
  },
});
