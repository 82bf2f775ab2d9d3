// Vercel's AI SDK with OpenAI's provider: pictures of a prompt, and of another picture, as its documents show it.
import { createOpenAI } from "@ai-sdk/openai";
import { generateImage } from "ai";
import { apiKey, failure, report, rootURL } from "./report.mjs";

const openai = createOpenAI({ baseURL: `${rootURL}/v1`, apiKey });
const shown = ({ images }) => images.map((image) => ({ base64: image.base64, type: image.mediaType }));

const see = async (name) => {
  const model = openai.image(name);
  const made = await generateImage({ model, prompt: "a red fox", n: 2, size: "1024x1024", maxRetries: 0 });
  return { made: shown(made), warnings: made.warnings.length };
};

const model = openai.image("gpt-image-1");
const source = Buffer.from(process.env.PICTURE, "base64");
const edited = await generateImage({ model, prompt: { text: "a hat", images: [source, source] }, maxRetries: 0 });

await report(see, {
  edited: shown(edited),
  refused: await failure(
    generateImage({ model, prompt: "x", size: "4000x100", maxRetries: 0 }).catch((error) => {
      throw Object.assign(error, { status: error.statusCode });
    }),
  ),
});
