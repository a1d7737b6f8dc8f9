import { three } from "./lib/three";
import two from "./two";

console.log("one");
console.log(two());
console.log(three());
