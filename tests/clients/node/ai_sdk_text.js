// AI SDK: text, usage and reasoning, whole and streamed.
import { generateText, streamText } from "ai";
import { model, model_of } from "./ai_sdk_model.js";
import { all, run } from "./cases.js";

const maxRetries = 0;

async function whole(prompt, more = {}) {
  const reply = await generateText({ model, prompt, maxRetries, ...more });
  const { text, reasoningText, finishReason, usage, warnings, content, response } = reply;
  return { text, reasoningText, finishReason, usage, warnings, content, id: response.id, modelId: response.modelId };
}

async function streamed(prompt, more = {}) {
  const stream = streamText({ model, prompt, maxRetries, ...more });
  const parts = (await all(stream.fullStream)).map(({ request, response, ...part }) => part);
  return {
    parts,
    text: await stream.text,
    reasoningText: await stream.reasoningText,
    finishReason: await stream.finishReason,
    usage: await stream.usage,
    warnings: await stream.warnings,
    modelId: (await stream.response).modelId,
  };
}

await run({
  whole: () => whole("Good morning"),
  streamed: () => streamed("Good morning"),
  thought: () => whole("think of it"),
  thought_streamed: () => streamed("think of it"),
  // Only openai-compatible can leave the tokens out; it does so unless it is told otherwise.
  streamed_without_usage: () => streamed("Good morning", { model: model_of({ includeUsage: false }) }),

  async conversation() {
    const messages = [
      { role: "user", content: [{ type: "text", text: "How is Oslo?" }] },
      { role: "assistant", content: [{ type: "text", text: "Cold." }] },
      { role: "user", content: "And now?" },
    ];
    const sampling = { temperature: 0.5, topP: 0.9, seed: 3, maxOutputTokens: 50, stopSequences: ["now"] };
    const asked = { model, system: "Be brief.", messages, maxRetries, ...sampling };
    const { text, warnings } = await generateText(asked);
    return { text, warnings };
  },

  async arrivals() {
    const times = [];
    for await (const _ of streamText({ model, prompt: "slow boat", maxRetries }).textStream) {
      times.push(performance.now() / 1000);
    }
    return times;
  },

  // What a chat window gets from its web server.
  async for_a_page() {
    const stream = streamText({ model, prompt: "think of it", maxRetries });
    return all(stream.toUIMessageStream());
  },
});
