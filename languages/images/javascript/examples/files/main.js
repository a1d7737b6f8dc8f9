const { squared } = require("./shapes.js");

console.log(`4 squared is ${squared(4)}`);
