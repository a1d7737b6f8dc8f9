import { readFileSync } from "node:fs";
import * as readline from "node:readline";

console.log(readFileSync(0, "utf8"), readline);
