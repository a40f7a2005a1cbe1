// Runs single scenarios of the conformance suite in one process: to load the suite costs a second, most scenarios less.
//
//   node scenarios.mjs node_modules/.../conformance/dist/index.js 4 '[["server", "--url", "http://...", ...], ...]'
//
// The suite is a program: it reads its arguments while it is loaded and ends the process when it is done. So it is loaded
// anew for each scenario, with those arguments, and what ends the process ends that scenario. So many run at once.
import { AsyncLocalStorage } from "node:async_hooks";
import { pathToFileURL } from "node:url";

const [program, atOnce, scenarios] = process.argv.slice(2);
const waiting = [...JSON.parse(scenarios).entries()];
const running = new AsyncLocalStorage();
const exit = process.exit;
const ENDED = new Error("a scenario has ended");

process.exit = (code) => {
  const end = running.getStore();
  if (end === undefined) exit(code);
  end();
  throw ENDED;
};
process.on("unhandledRejection", (error) => {
  if (error !== ENDED) {
    console.error(error);
    exit(1);
  }
});

let loaded = Promise.resolve();

function load(number, argv) {
  loaded = loaded.then(() => {
    process.argv = [process.execPath, program, ...argv];
    return import(`${pathToFileURL(program)}?${number}`);
  });
  return loaded;
}

async function inTurn() {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    await new Promise((end, fail) => running.run(end, () => load(...next).catch(fail)));
  }
}

await Promise.all(Array.from({ length: Number(atOnce) }, inTurn));
exit(0);
