import OpenAI from "openai";
import { each, key, question, url } from "./cases.mjs";

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });

await each(async ({ model, stream, loop, tool }) => {
  const messages = [{ role: "user", content: question }];
  const tools = tool && [
    { type: "function", function: { name: tool.name, description: tool.description, parameters: tool.schema } },
  ];
  const complete = async () => {
    const body = { model, messages, ...(tools && { tools }) };
    const completion = stream
      ? await client.chat.completions.stream(body).finalChatCompletion()
      : await client.chat.completions.create(body);
    return completion.choices[0].message;
  };
  const first = await complete();
  const called = first.tool_calls ?? [];
  let last = first;
  if (loop) {
    messages.push(first);
    messages.push(...called.map((call) => ({ role: "tool", tool_call_id: call.id, content: tool.result })));
    last = await complete();
  }
  return {
    text: last.content ?? "",
    calls: called.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
  };
});
