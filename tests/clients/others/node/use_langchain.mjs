// LangChain; its provider package is the first argument.

import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { each, key, question, url } from "./cases.mjs";

const models = {
  "@langchain/openai": (model) =>
    new ChatOpenAI({ model, apiKey: key, maxRetries: 0, configuration: { baseURL: `${url}/v1` } }),
  "@langchain/anthropic": (model) =>
    new ChatAnthropic({ model, apiKey: key, maxRetries: 0, maxTokens: 500, anthropicApiUrl: url }),
};
const choose = models[process.argv[2]];

await each(async ({ model, stream, loop, tool }) => {
  const chat = choose(model);
  const bound = tool
    ? chat.bindTools([
        {
          type: "function",
          function: { name: tool.name, description: tool.description, parameters: tool.schema },
        },
      ])
    : chat;
  const messages = [new HumanMessage(question)];
  const complete = async () => {
    if (!stream) return await bound.invoke(messages);
    let whole;
    for await (const chunk of await bound.stream(messages)) whole = whole ? whole.concat(chunk) : chunk;
    return whole;
  };
  const first = await complete();
  const called = first.tool_calls ?? [];
  let last = first;
  if (loop) {
    messages.push(first);
    messages.push(...called.map((call) => new ToolMessage({ content: tool.result, tool_call_id: call.id })));
    last = await complete();
  }
  return { text: last.text, calls: called.map((call) => [call.name, call.args]) };
});
