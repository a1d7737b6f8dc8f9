const { readFileSync } = require("node:fs");

const number = Number(readFileSync(0, "utf8"));
const words = (number % 3 === 0 ? "Fizz" : "") + (number % 5 === 0 ? "Buzz" : "");
console.log(words || number);
