import Anthropic from "@anthropic-ai/sdk";
import { each, key, question, url } from "./cases.mjs";

const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });

await each(async ({ model, stream, loop, tool }) => {
  const messages = [{ role: "user", content: question }];
  const tools = tool && [{ name: tool.name, description: tool.description, input_schema: tool.schema }];
  const complete = async () => {
    const body = { model, max_tokens: 500, messages, ...(tools && { tools }) };
    return stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
  };
  const first = await complete();
  const called = first.content.filter((block) => block.type === "tool_use");
  let last = first;
  if (loop) {
    messages.push({ role: "assistant", content: first.content });
    const results = called.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: tool.result }));
    messages.push({ role: "user", content: results });
    last = await complete();
  }
  const texts = last.content.filter((block) => block.type === "text").map((block) => block.text);
  return { text: texts.join(""), calls: called.map((call) => [call.name, call.input]) };
});
