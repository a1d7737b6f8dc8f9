import { Worker } from "node:worker_threads";

const counts = new Map<string, number>();
for (const letter of "aab") counts.set(letter, (counts.get(letter) ?? 0) + 1);
console.log(`collections: a=${counts.get("a")} b=${counts.get("b")}`);
console.log("regex:", ...(/(\d{4})-(\d{2})/.exec("on 2024-03-01")?.slice(1) ?? []));
console.log("json:", JSON.stringify(JSON.parse('{"list": [1, 2, 3]}').list));
console.log("bigint:", String(2n ** 100n));
console.log("sort:", ...["pear", "fig", "apple"].sort());
console.log("date:", new Date(Date.UTC(2024, 1, 28 + 2)).toISOString().slice(0, 10));
const worker = new Worker("require('node:worker_threads').parentPort.postMessage([1, 2, 3, 4].reduce((a, b) => a + b))", { eval: true });
worker.on("message", (total: number) => console.log("threads:", total));
