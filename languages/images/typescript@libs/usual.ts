import { readFileSync } from "node:fs";
import * as readline from "node:readline";
import { expect as should } from "chai";
import { List } from "immutable";
import _ from "lodash";

console.log(readFileSync(0, "utf8"), readline, _.chunk([1, 2], 1), List([1]));

describe("usual", () => {
  beforeEach(() => undefined);
  it("is", () => {
    should(1).to.equal(1);
    expect([1]).toEqual([1]);
  });
});
