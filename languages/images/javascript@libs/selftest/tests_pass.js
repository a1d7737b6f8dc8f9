const { describe, expect, test } = require("@jest/globals");

function sum(a, b) {
  return a + b;
}

describe("sum", () => {
  test("adds", () => {
    expect(sum(1, 2)).toBe(3);
  });
});
