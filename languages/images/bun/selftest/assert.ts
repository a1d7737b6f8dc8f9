import assert from "node:assert";

console.log("before");
assert(Bun.argv.length === 1);
