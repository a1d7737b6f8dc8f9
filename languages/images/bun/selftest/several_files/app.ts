const { three } = require("./lib/three");
import two from "./two";

console.log("one");
console.log(two());
console.log(three());
