import { text } from "./other.ts";

console.log(text());
