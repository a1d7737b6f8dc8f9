const { expect: should } = require("chai");

class Stack {
  items = [];
  push(item) { this.items.push(item); }
  pop() { if (this.items.length === 0) throw new Error("empty"); return this.items.pop(); }
}

describe("a stack", () => {
  let stack;
  beforeEach(() => { stack = new Stack(); });

  it("gives the last first", () => {
    stack.push(1);
    stack.push(2);
    expect(stack.pop()).toBe(2);
    should(stack.items).to.deep.equal([1]);
  });

  test.each([[1, 2], [3, 4]])("waits for %i and %i", async (first, second) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect([first, second]).toEqual(expect.arrayContaining([second]));
  });

  it("calls back", (done) => {
    const called = jest.fn();
    called("once");
    expect(called).toHaveBeenCalledWith("once");
    setTimeout(done, 1);
  });

  it("throws", () => expect(() => stack.pop()).toThrow("empty"));

  it("is wrong", () => {
    stack.push(1);
    expect(stack.items).toEqual([2]);
  });
});
