// AI SDK: replies in the shape of a Zod schema by the older functions.
import { generateObject, streamObject } from "ai";
import { model } from "./ai_sdk_model.js";
import { all, run, told_of, Trip } from "./cases.js";

const asked = { model, prompt: "A trip, please.", maxRetries: 0, schema: Trip };

await run({
  async whole() {
    const { object, finishReason, usage, warnings } = await generateObject(asked);
    return { object, finishReason, usage, warnings };
  },

  async streamed() {
    const stream = streamObject(asked);
    return { partial: await all(stream.partialObjectStream), object: await stream.object, usage: await stream.usage };
  },

  async failed_whole() {
    return { threw: await generateObject({ ...asked, prompt: "fail" }).then(() => null, told_of) };
  },

  async failed_midway() {
    const errors = [];
    const onError = ({ error }) => errors.push(told_of(error));
    const stream = streamObject({ ...asked, prompt: "fail", onError });
    const end = stream.object.then((object) => ({ errors, object }), (error) => ({ errors, threw: told_of(error) }));
    await all(stream.partialObjectStream);
    return end;
  },
});
