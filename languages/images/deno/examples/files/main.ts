import { squared } from "./shapes.ts";

console.log(`4 squared is ${squared(4)}`);
