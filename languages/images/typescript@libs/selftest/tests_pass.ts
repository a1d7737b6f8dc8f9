import { describe, expect, jest, test } from "@jest/globals";

const sum = jest.fn((a: number, b: number): number => a + b);

describe("sum", () => {
  test("adds", () => {
    expect(sum(1, 2)).toBe(3);
    expect(sum).toHaveBeenCalledTimes(1);
  });
});
