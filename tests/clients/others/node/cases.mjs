// The cases come on stdin as JSON; each answer goes to stdout as one line: what the client's own objects hold.
//
//   {url, key, question, cases: [{name, model, stream, loop, tool: {name, description, schema, result} | null}]}
//   {name, text, calls: [[name, arguments], ...]}   or   {name, error}
//
// `loop`: the tool's result is sent back, and `text` is that of the second answer.

import { text } from "node:stream/consumers";

const asked = JSON.parse(await text(process.stdin));

export const { url, key, question } = asked;

/** `answer(ask)` gives {text, calls}; what it throws is the case's error. */
export async function each(answer) {
  for (const ask of asked.cases) {
    let told;
    try {
      told = await answer(ask);
    } catch (error) {
      told = { error: `${error?.name}: ${error?.message}` };
    }
    console.log(JSON.stringify({ name: ask.name, ...told }));
  }
}
