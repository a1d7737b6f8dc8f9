import { text } from "./other";

console.log(text());
