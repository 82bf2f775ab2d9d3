// Google's official Gen AI SDK for Node.js.
import { GoogleGenAI } from "@google/genai";
import { apiKey, drained, failure, person, question, report, rootURL, weather } from "./report.mjs";

const client = (key) => new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: rootURL } });
const ai = client(apiKey);
const tools = [{ functionDeclarations: [{ name: "get_weather", description: "Get the weather", parametersJsonSchema: weather }] }];

const see = async (model) => {
  const asked = { model, contents: "Hello!" };
  const whole = await ai.models.generateContent(asked);
  const pieces = await drained(await ai.models.generateContentStream(asked));
  const chat = ai.chats.create({ model, config: { tools } });
  const [call] = (await chat.sendMessage({ message: question })).functionCalls;
  const functionResponse = { id: call.id, name: call.name, response: { output: "sunny" } };
  const answer = await chat.sendMessage({ message: [{ functionResponse }] });
  return {
    id: whole.responseId,
    model: whole.modelVersion,
    ended: whole.candidates[0].finishReason,
    text: whole.text,
    streamed: pieces.map((piece) => piece.text ?? "").join(""),
    tokens: whole.usageMetadata.totalTokenCount,
    streamed_tokens: pieces.at(-1).usageMetadata.totalTokenCount,
    tool: call.name,
    arguments: call.args,
    answer: answer.text,
    counted: (await ai.models.countTokens(asked)).totalTokens,
    broken_provider: await failure(ai.models.generateContent({ model, contents: "[[sim: status=500]]" })),
    broken_stream: await failure(
      ai.models
        .generateContentStream({ model, contents: "[[sim: chunks=20 chunk_ms=10 error_after=5]]" })
        .then(drained),
    ),
  };
};

const structured = await ai.models.generateContent({
  model: "gemini-2.5-flash",
  contents: "Hello!",
  config: { responseMimeType: "application/json", responseJsonSchema: person },
});
const thinking = await ai.models.generateContent({
  model: "gemini-2.5-flash", contents: "Hello!", config: { thinkingConfig: { includeThoughts: true } },
});
await report(see, {
  structured: JSON.parse(structured.text),
  thoughts: thinking.candidates[0].content.parts.map((part) => Boolean(part.thought)),
  not_found: await failure(ai.models.generateContent({ model: "gemini-nothing", contents: "Hello!" })),
  bad_request: await failure(
    ai.models.generateContent({ model: "gemini-2.5-flash", contents: "Hello!", config: { temperature: 9 } }),
  ),
  stranger: await failure(client("sk-no").models.generateContent({ model: "gemini-2.5-flash", contents: "Hello!" })),
  listed: (await drained(await ai.models.list())).map((row) => row.name),
});
