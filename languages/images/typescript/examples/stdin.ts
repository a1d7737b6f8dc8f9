import { readFileSync } from "node:fs";

const numbers = readFileSync(0, "utf8").split(/\s+/).filter(Boolean).map(Number);
const sum = numbers.reduce((total, number) => total + number, 0);
console.log(`${numbers.length} numbers, sum ${sum}`);
