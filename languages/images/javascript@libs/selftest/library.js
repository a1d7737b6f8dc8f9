const { expect } = require("chai");
const { Map, List } = require("immutable");
const _ = require("lodash");
const { MinPriorityQueue } = require("@datastructures-js/priority-queue");
const uuid = require("uuid");

console.log("lodash:", JSON.stringify(_.groupBy(["one", "two", "three"], "length")));
console.log("immutable:", List([1, 2]).push(3).toString(), Map({ a: 1 }).equals(Map({ a: 1 })));
console.log("uuid:", uuid.validate(uuid.v4()), uuid.v5("gexec", uuid.v5.DNS).length);
const queue = new MinPriorityQueue();
[3, 1, 2].forEach((number) => queue.push(number));
console.log("queue:", queue.pop());
try {
  expect([1, 2]).to.include(3);
} catch (error) {
  console.log("chai:", error.message);
}
import("lodash").then((module) => console.log("import:", module.default.chunk([1, 2, 3], 2).length));
