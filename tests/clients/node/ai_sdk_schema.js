// AI SDK: replies in the shape of a Zod schema.
import { generateText, Output, streamText } from "ai";
import { model } from "./ai_sdk_model.js";
import { all, run, told_of, Trip } from "./cases.js";

const asked = { model, prompt: "A trip, please.", maxRetries: 0 };
const trip = Output.object({ schema: Trip });

await run({
  async whole() {
    const { output, text, usage, warnings } = await generateText({ ...asked, output: trip });
    return { output, text, usage, warnings };
  },

  async streamed() {
    const stream = streamText({ ...asked, output: trip });
    return { partial: await all(stream.partialOutputStream), output: await stream.output, usage: await stream.usage };
  },

  async array() {
    const { output } = await generateText({ ...asked, output: Output.array({ element: Trip }) });
    return { output };
  },

  async array_streamed() {
    const stream = streamText({ ...asked, output: Output.array({ element: Trip }) });
    return { elements: await all(stream.elementStream) };
  },

  async choice() {
    const { output } = await generateText({ ...asked, output: Output.choice({ options: ["calm", "wild"] }) });
    return { output };
  },

  async failed_midway() {
    const errors = [];
    const onError = ({ error }) => errors.push(told_of(error));
    const stream = streamText({ ...asked, prompt: "fail", output: trip, onError });
    await stream.consumeStream();
    return stream.output.then((output) => ({ errors, output }), (error) => ({ errors, threw: told_of(error) }));
  },
});
