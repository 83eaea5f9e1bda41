// AI SDK: tools that run here, one round after the other, whole and streamed.
import { generateText, hasToolCall, stepCountIs, streamText, tool } from "ai";
import { model } from "./ai_sdk_model.js";
import { all, Clock, run, tools, Weather } from "./cases.js";

const prompt = "How is the weather?";

function made() {
  const { ran, weather, clock } = tools();
  return {
    ran,
    tools: {
      weather: tool({ description: "Tells the weather.", inputSchema: Weather, execute: weather }),
      clock: tool({ description: "Tells the time.", inputSchema: Clock, execute: clock }),
    },
  };
}

function told(step) {
  const { text, finishReason, toolCalls, toolResults, usage } = step;
  return {
    text,
    finishReason,
    calls: toolCalls.map(({ toolCallId, toolName, input }) => [toolCallId, toolName, input]),
    results: toolResults.map(({ toolCallId, output }) => [toolCallId, output]),
    usage,
  };
}

async function whole(more = {}) {
  const { ran, tools } = made();
  const reply = await generateText({ model, prompt, tools, stopWhen: stepCountIs(5), maxRetries: 0, ...more });
  return { ran, text: reply.text, steps: reply.steps.map(told), usage: reply.totalUsage, warnings: reply.warnings };
}

async function streamed(more = {}) {
  const { ran, tools } = made();
  const stream = streamText({ model, prompt, tools, stopWhen: stepCountIs(5), maxRetries: 0, ...more });
  const parts = (await all(stream.fullStream)).map(({ request, response, ...part }) => part);
  const steps = (await stream.steps).map(told);
  return { ran, parts, text: await stream.text, steps, usage: await stream.totalUsage };
}

await run({
  whole,
  streamed,
  one_step: () => whole({ stopWhen: stepCountIs(1) }),
  until_called: () => streamed({ stopWhen: hasToolCall("clock") }),
  required: () => whole({ prompt: "Good morning", toolChoice: "required", stopWhen: stepCountIs(1) }),
  named: () => whole({ toolChoice: { type: "tool", toolName: "clock" }, stopWhen: stepCountIs(1) }),
  none: () => whole({ toolChoice: "none" }),
  thought: () => streamed({ prompt: "think of the weather" }),
});
