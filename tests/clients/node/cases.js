// What all scripts share: they run named cases against the server of the first argument, one after the other, and
// print one JSON object with what each gave. A case that is about an error catches it; any other is a failed test.
import { z } from "zod";

export const [, , baseURL, provider] = process.argv;

export async function run(cases) {
  const told = {};
  for (const [name, one] of Object.entries(cases)) {
    told[name] = await one().catch((error) => ({ uncaught: told_of(error) }));
  }
  console.log(JSON.stringify(told));
}

// An error's own words, and the names of its class and of all that it inherits from.
export function told_of(error) {
  const kinds = [];
  for (let kind = error?.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) kinds.push(kind.name);
  const { name, message, status, statusCode, code, type, param, isRetryable } = error;
  return { kinds, name, message, status: status ?? statusCode, code, type, param, isRetryable };
}

export function user(content) {
  return [{ role: "user", content }];
}

export async function all(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

// Everything up to the end or the error, and the error.
export async function until_error(stream) {
  const items = [];
  try {
    for await (const item of stream) items.push(item);
  } catch (error) {
    return { items, threw: told_of(error) };
  }
  return { items };
}

// Ask until the agent knows that a client left, and give the seconds that it took; null where it never hears of it.
// This process and its connections live on meanwhile: what the agent hears of is the abort, not our end.
export async function seconds_until_left(prompt, ask) {
  const start = performance.now();
  while (performance.now() - start < 5000) {
    if ((await ask("Who left?")).includes(prompt)) return (performance.now() - start) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return null;
}

export const Trip = z.object({
  city: z.string(),
  days: z.number().int(),
  mood: z.enum(["calm", "wild"]),
  stops: z.array(z.object({ name: z.string(), booked: z.boolean() })),
});

export const Weather = z.object({ city: z.string() });
export const Clock = z.object({ zone: z.string(), hours: z.number().int() });

// What the tools are: they run here, note that they ran, and what they give is retold by the agent.
export function tools() {
  const ran = [];
  return {
    ran,
    weather(input) {
      ran.push(["weather", input]);
      return `rain in ${input.city}`;
    },
    async clock(input) {
      ran.push(["clock", input]);
      return `${input.hours} o'clock in ${input.zone}`;
    },
  };
}
