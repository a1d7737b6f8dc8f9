const assert = require("node:assert");

console.log("before");
assert(1 + 1 === 3);
