// The AI SDK's model for this server, from the provider that the second argument names.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { baseURL, provider } from "./cases.js";

globalThis.AI_SDK_LOG_WARNINGS = false; // what a reply warns of is told all the same

const settings = { baseURL, apiKey: "none" };

export function model_of(more = {}) {
  if (provider === "openai") return createOpenAI({ ...settings, ...more }).chat("agent");
  if (provider === "responses") return createOpenAI({ ...settings, ...more }).responses("agent");
  const compatible = { name: "mserve", includeUsage: true, supportsStructuredOutputs: true };
  return createOpenAICompatible({ ...compatible, ...settings, ...more })("agent");
}

export const model = model_of();
