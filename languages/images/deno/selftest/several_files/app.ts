import { three } from "./lib/three.js";
import two from "two";

console.log("one");
console.log(two());
console.log(three());
