import three from "./lib/three.js";
import { two } from "./two.mjs";

console.log("one");
console.log(two());
console.log(three());
