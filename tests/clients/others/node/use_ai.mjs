// The Vercel AI SDK; its provider package is the first argument, and where it has several formats, the second.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool as asTool } from "ai";
import { each, key, question, url } from "./cases.mjs";

const settings = { baseURL: `${url}/v1`, apiKey: key };
const models = {
  "@ai-sdk/google": (model) => createGoogleGenerativeAI({ ...settings, baseURL: `${url}/v1beta` })(model),
  "@ai-sdk/openai": (model) => createOpenAI(settings)[process.argv[3]](model),
  "@ai-sdk/openai-compatible": (model) =>
    createOpenAICompatible({ ...settings, name: "tollbridge", includeUsage: true }).chatModel(model),
  "@ai-sdk/anthropic": (model) => createAnthropic(settings)(model),
};
const choose = models[process.argv[2]];

await each(async ({ model, stream, loop, tool }) => {
  let failure;
  const said = {
    model: choose(model),
    prompt: question,
    maxRetries: 0,
    stopWhen: stepCountIs(loop ? 2 : 1),
    onError: ({ error }) => {
      failure = error;
    },
    ...(tool && {
      tools: {
        [tool.name]: asTool({
          description: tool.description,
          inputSchema: jsonSchema(tool.schema),
          execute: async () => tool.result,
        }),
      },
    }),
  };
  const result = stream ? streamText(said) : await generateText(said);
  if (stream) await result.consumeStream();
  if (failure) throw failure;
  const steps = await result.steps;
  return { text: steps.at(-1).text, calls: steps[0].toolCalls.map((call) => [call.toolName, call.input]) };
});
