// @google/genai.

import { GoogleGenAI } from "@google/genai";
import { each, key, question, url } from "./cases.mjs";

const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });

await each(async ({ model, stream, loop, tool }) => {
  const contents = [{ role: "user", parts: [{ text: question }] }];
  const declared = tool && {
    functionDeclarations: [{ name: tool.name, description: tool.description, parametersJsonSchema: tool.schema }],
  };
  const said = { model, contents, config: declared ? { tools: [declared] } : {} };
  const complete = async () => {
    if (!stream) return (await client.models.generateContent(said)).candidates[0].content.parts ?? [];
    const parts = [];
    for await (const chunk of await client.models.generateContentStream(said)) {
      parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
    }
    return parts;
  };
  const first = await complete();
  const called = first.filter((part) => part.functionCall).map((part) => part.functionCall);
  let last = first;
  if (loop) {
    contents.push({ role: "model", parts: first });
    const answers = called.map(({ id, name }) => ({
      functionResponse: { ...(id && { id }), name, response: { output: tool.result } },
    }));
    contents.push({ role: "user", parts: answers });
    last = await complete();
  }
  const spoken = last.filter((part) => part.text && !part.thought);
  return { text: spoken.map((part) => part.text).join(""), calls: called.map(({ name, args }) => [name, args ?? {}]) };
});
