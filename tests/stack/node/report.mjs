// What every script shares: its arguments, how a failure is told, and the one JSON line that the test judges.
export const [rootURL, apiKey, ...models] = process.argv.slice(2);

export const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
export const person = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
export const question = "What is the weather in Tokyo?";

export const failure = async (promise) =>
  promise.then(() => "none", (error) => `${error.constructor.name} ${error.status}`);

export const drained = async (stream) => {
  const seen = [];
  for await (const piece of stream) seen.push(piece);
  return seen;
};

// One answer of `see` for each model, and whatever is asked once beside them.
export const report = async (see, more) => {
  const byModel = {};
  for (const model of models) byModel[model] = await see(model);
  console.log(JSON.stringify({ models: byModel, ...more }));
};
