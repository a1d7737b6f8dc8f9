import { readFileSync } from "node:fs";

console.log("żółć, 中文 🚀");
process.stdout.write(readFileSync(0, "utf8"));
