// Vercel's AI SDK with OpenAI's provider: a text is spoken, and what was said is written down, as its documents show it.
import { createOpenAI } from "@ai-sdk/openai";
import { generateSpeech, transcribe } from "ai";
import { apiKey, failure, report, rootURL } from "./report.mjs";

const openai = createOpenAI({ baseURL: `${rootURL}/v1`, apiKey });
const text = process.env.TEXT;
const audio = Buffer.from(process.env.SOUND, "base64");
const asSDK = (error) => {
  throw Object.assign(error, { status: error.statusCode });
};

const see = async (name) => {
  const speaks = name.includes("tts");
  if (speaks) {
    const said = await generateSpeech({ model: openai.speech(name), text, voice: "coral", maxRetries: 0 });
    const wave = await generateSpeech({ model: openai.speech(name), text, outputFormat: "wav", maxRetries: 0 });
    return { said: said.audio.base64, type: said.audio.mediaType, wave: wave.audio.base64, warnings: said.warnings.length };
  }
  const heard = await transcribe({ model: openai.transcription(name), audio, maxRetries: 0 });
  return { heard: heard.text, segments: heard.segments, seconds: heard.durationInSeconds ?? null };
};

await report(see, {
  mute: await failure(generateSpeech({ model: openai.speech("whisper-1"), text, maxRetries: 0 }).catch(asSDK)),
  noise: await failure(
    transcribe({ model: openai.transcription("whisper-1"), audio: new Uint8Array(99), maxRetries: 0 }).catch(asSDK),
  ),
});
