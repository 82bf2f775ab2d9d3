// Vercel's AI SDK with OpenAI's provider: one text and many embedded, as its documents show it.
import { createOpenAI } from "@ai-sdk/openai";
import { cosineSimilarity, embed, embedMany } from "ai";
import { apiKey, failure, report, rootURL } from "./report.mjs";

const openai = createOpenAI({ baseURL: `${rootURL}/v1`, apiKey });
const values = Array.from({ length: 5 }, (_, number) => `sunny day ${number}`);

const see = async (name) => {
  const model = openai.embedding(name);
  const one = await embed({ model, value: values[0], maxRetries: 0 });
  const many = await embedMany({ model, values, maxParallelCalls: 2, maxRetries: 0 });
  const providerOptions = { openai: { dimensions: 256 } };
  const short = await embed({ model, value: values[0], maxRetries: 0, providerOptions });
  return {
    alike: cosineSimilarity(one.embedding, many.embeddings[0]),
    vectors: many.embeddings,
    short: short.embedding.length,
    tokens: many.usage.tokens,
  };
};

await report(see, {
  not_found: await failure(
    embed({ model: openai.embedding("no-such-model"), value: "a", maxRetries: 0 }).catch((error) => {
      throw Object.assign(error, { status: error.statusCode });
    }),
  ),
});
