import assert from "node:assert";

console.log("before");
assert(Deno.args.length === 1);
