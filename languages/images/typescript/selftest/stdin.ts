import * as readline from "node:readline";

readline.createInterface({ input: process.stdin }).on("line", (line: string) => console.log(line));
