import { MinPriorityQueue } from "@datastructures-js/priority-queue";
import { expect } from "chai";
import { List, Map } from "immutable";
import _ from "lodash";
import * as uuid from "uuid";

const groups: _.Dictionary<string[]> = _.groupBy(["one", "two", "three"], (word) => word.length);
console.log("lodash:", JSON.stringify(groups));
const list: List<number> = List([1, 2]).push(3);
console.log("immutable:", list.toString(), Map({ a: 1 }).equals(Map({ a: 1 })));
console.log("uuid:", uuid.validate(uuid.v4()), uuid.v5("gexec", uuid.v5.DNS).length);
const queue = new MinPriorityQueue<number>();
[3, 1, 2].forEach((number) => queue.push(number));
console.log("queue:", queue.pop());
try {
  expect([1, 2]).to.include(3);
} catch (error) {
  console.log("chai:", (error as Error).message);
}
