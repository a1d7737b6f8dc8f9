import { expect as should } from "chai";

class Stack<T> {
  private items: T[] = [];
  push(item: T): void { this.items.push(item); }
  pop(): T {
    const item = this.items.pop();
    if (item === undefined) throw new Error("empty");
    return item;
  }
}

describe("a stack", () => {
  let stack: Stack<number>;
  before(() => { stack = new Stack(); });

  it("gives the last first", () => {
    stack.push(1);
    stack.push(2);
    expect(stack.pop()).toBe(2);
    should(stack.pop()).to.equal(1);
  });

  test.each([[1, 2], [3, 4]])("waits for %i and %i", async (first: number, second: number) => {
    await Promise.resolve();
    expect(first).toBeLessThan(second);
  });

  it("calls back", (done) => {
    const called: jest.Mock<number, [string]> = jest.fn((word: string) => word.length);
    called("once");
    expect(called).toHaveBeenCalledWith("once");
    done();
  });

  it("is wrong", () => {
    stack.push(1);
    expect(stack.pop()).toEqual(2);
  });
});
