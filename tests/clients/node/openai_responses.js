// openai-node: the Responses API; whole, event by event and through the stream helper, left alone and found again.
import OpenAI from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { all, baseURL, Clock, run, told_of, Trip, until_error, Weather } from "./cases.js";

const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const { responses, conversations } = client;
const model = "agent";
const hello = { model, input: "Good morning" };
const slow = { model, input: "slow and steady", background: true };
const declared = [
  zodResponsesFunction({ name: "weather", parameters: Weather }),
  zodResponsesFunction({ name: "clock", parameters: Clock }),
];
const asked = { model, input: "How is the weather?", tools: declared };

async function thrown(ask) {
  return ask().then(() => null, told_of);
}

async function finished(response) {
  for (let asked = 0; asked < 200 && ["queued", "in_progress"].includes(response.status); asked += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    response = await responses.retrieve(response.id);
  }
  return response;
}

await run({
  whole: () => responses.create(hello),
  events: async () => all(await responses.create({ ...hello, stream: true })),
  thought: () => responses.create({ model, input: "think" }),
  thought_events: async () => all(await responses.create({ model, input: "think", stream: true })),
  declined: () => responses.create({ model, input: "decline" }),

  async helped() {
    const stream = responses.stream(hello);
    const deltas = [];
    stream.on("response.output_text.delta", ({ delta, snapshot }) => deltas.push([delta, snapshot]));
    const { output_text, status } = await stream.finalResponse();
    return { deltas, output_text, status };
  },

  async tools() {
    const called = await responses.parse(asked);
    const input = called.output.map(({ call_id, name }) => ({
      type: "function_call_output",
      call_id,
      output: name === "weather" ? "rain" : "noon",
    }));
    const again = await responses.create({ ...asked, previous_response_id: called.id, input });
    return { calls: called.output.map((call) => [call.call_id, call.parsed_arguments]), retold: again.output_text };
  },

  async tools_helped() {
    const stream = responses.stream(asked);
    const grown = [];
    stream.on("response.function_call_arguments.delta", ({ snapshot }) => grown.push(snapshot));
    const { output } = await stream.finalResponse();
    return { grown, calls: output.map((call) => [call.call_id, call.parsed_arguments]) };
  },

  async parsed() {
    const trip = { model, input: "A trip, please.", text: { format: zodTextFormat(Trip, "trip") } };
    const streamed = await responses.stream(trip).finalResponse();
    return [(await responses.parse(trip)).output_parsed, streamed.output_parsed];
  },

  async background() {
    const begun = await responses.create(slow);
    const { status, output_text } = await finished(begun);
    return { begun: begun.status, status, output_text };
  },

  async resumed() {
    const heard = [];
    for await (const event of await responses.create({ ...slow, stream: true })) {
      if (heard.push(event) === 4) break;
    }
    const rest = await responses.retrieve(heard[0].response.id, { stream: true, starting_after: 3 });
    return heard.concat(await all(rest));
  },

  async resumed_by_helper() {
    const begun = await responses.create(slow);
    const stream = responses.stream({ response_id: begun.id, starting_after: 1 });
    const numbers = [];
    stream.on("event", ({ sequence_number }) => numbers.push(sequence_number));
    const { id, output_text } = await stream.finalResponse();
    return { same: id === begun.id, output_text, numbers };
  },

  async cancelled() {
    const begun = await responses.create({ ...slow, input: "slow" + " and on".repeat(40) });
    const cancelled = await responses.cancel(begun.id);
    return [cancelled.status, (await responses.retrieve(begun.id)).status];
  },

  async kept() {
    const input = ["one", "two", "three"].map((content) => ({ role: "user", content }));
    const reply = await responses.create({ model, input, metadata: { topic: "numbers" } });
    const found = await responses.retrieve(reply.id);
    const items = await all(responses.inputItems.list(reply.id, { limit: 2, order: "asc" }));
    await responses.delete(reply.id);
    const gone = await thrown(() => responses.retrieve(reply.id));
    return { reply, found, texts: items.map((item) => item.content[0].text), gone };
  },

  async not_kept() {
    const reply = await responses.create({ ...hello, store: false });
    return thrown(() => responses.retrieve(reply.id));
  },

  async conversation() {
    const item = (content) => ({ type: "message", role: "user", content });
    const made = await conversations.create({ metadata: { topic: "words" }, items: [item("Hi")] });
    await conversations.items.create(made.id, { items: [item("Hello")] });
    const reply = await responses.create({ model, input: "What was said?", conversation: made.id });
    const items = await all(conversations.items.list(made.id, { order: "asc", limit: 2 }));
    const one = await conversations.items.retrieve(items[0].id, { conversation_id: made.id });
    await conversations.items.delete(items[0].id, { conversation_id: made.id });
    const left = await all(conversations.items.list(made.id));
    const changed = await conversations.update(made.id, { metadata: { topic: "other" } });
    const { deleted } = await conversations.delete(made.id);
    return {
      said: reply.output_text,
      texts: items.map(({ content }) => content[0].text),
      one: one.content[0].text,
      left: left.length,
      metadata: [made.metadata, changed.metadata],
      deleted,
      gone: await thrown(() => conversations.retrieve(made.id)),
    };
  },

  refused: () => thrown(() => responses.create({ model, input: "refuse" })),
  refused_stream: () => thrown(() => responses.create({ model, input: "refuse", stream: true })),
  failed: () => thrown(() => responses.create({ model, input: "fail" })),
  failed_midway: async () => until_error(await responses.create({ model, input: "fail", stream: true })),
});
