// Sends programs with the clients for Node and prints what they return: node piston.mjs MODULES SERVER < cases.json
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, server] = process.argv.slice(2);
const { client, cases } = JSON.parse(readFileSync(0, "utf8"));

async function pistonClient() {
  const { piston } = await import(pathToFileURL(`${modules}/piston-client/index.js`));
  const made = piston({ server });
  return { runtimes: () => made.runtimes(), execute: (body) => made.execute(body) };
}

async function pistonApiClient(name) {
  const required = createRequire(`${modules}/`)("piston-api-client");
  const made = new required[name]({ server });
  const data = (answer) => (answer.success ? answer.data : answer);
  return { runtimes: async () => data(await made.runtimes()), execute: async (body) => data(await made.execute(body)) };
}

const used = client === "piston-client" ? await pistonClient() : await pistonApiClient(client);
const told = { runtimes: await used.runtimes(), results: [] };
for (const each of cases) told.results.push(await used.execute(each));
// One of them keeps a timer for a day.
process.stdout.write(JSON.stringify(told), () => process.exit(0));
