// AI SDK: what the provider of the Responses API has beside what all providers have.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { all, baseURL, Clock, run, tools, Weather } from "./cases.js";

globalThis.AI_SDK_LOG_WARNINGS = false; // of thoughts that are not encrypted: they are not said again

const sent = [];
const openai = createOpenAI({
  baseURL,
  apiKey: "none",
  fetch(url, request) {
    if (request.body) sent.push(JSON.parse(request.body));
    return fetch(url, request);
  },
});
const model = openai.responses("agent");
const maxRetries = 0;
const thinking = { model, prompt: "think of it", maxRetries, providerOptions: { openai: wants() } };

// Thoughts come as the summary that is asked for.
function wants(more = {}) {
  return { forceReasoning: true, reasoningSummary: "auto", ...more };
}

// The tools of each step run here; gives the text, and the kinds of all that the last request said.
async function looped(options) {
  const { ran, weather, clock } = tools();
  const declared = {
    weather: tool({ inputSchema: Weather, execute: weather }),
    clock: tool({ inputSchema: Clock, execute: clock }),
  };
  const asked = { model, prompt: "think of the weather", maxRetries, tools: declared, stopWhen: stepCountIs(5) };
  const { text } = await generateText({ ...asked, providerOptions: { openai: options } });
  return { text, ran, kinds: sent.at(-1).input.map((item) => item.type ?? item.role) };
}

await run({
  async thought() {
    const { text, reasoningText, content } = await generateText(thinking);
    return { text, reasoningText, kinds: content.map((part) => part.type) };
  },

  async thought_streamed() {
    const stream = streamText(thinking);
    const parts = await all(stream.fullStream);
    const of = (type) => parts.filter((part) => part.type === type).map((part) => part.text);
    return { reasoning: of("reasoning-delta"), words: of("text-delta"), text: await stream.text };
  },

  loop_by_reference: () => looped(wants()),
  loop_without_store: () => looped(wants({ store: false })),

  async previous() {
    const first = await generateText({ model, prompt: "Good morning", maxRetries });
    const openai = { previousResponseId: first.providerMetadata.openai.responseId };
    const next = await generateText({ model, prompt: "What was said?", maxRetries, providerOptions: { openai } });
    return next.text;
  },

  async custom() {
    const note = openai.tools.customTool({ name: "note", description: "Takes a note." });
    const asked = { model, prompt: "Note the weather", maxRetries, tools: { note } };
    const { toolCalls } = await generateText(asked);
    return toolCalls.map(({ toolName, input }) => [toolName, input]);
  },

  async left_to_be_found() {
    const openai = { metadata: { topic: "weather" }, store: true, user: "somebody" };
    const { providerMetadata } = await generateText({ model, prompt: "Hi", maxRetries, providerOptions: { openai } });
    const found = await fetch(`${baseURL}/responses/${providerMetadata.openai.responseId}`);
    const { metadata, status, user } = await found.json();
    return { metadata, status, user };
  },
});
