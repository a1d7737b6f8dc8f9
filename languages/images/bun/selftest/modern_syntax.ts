enum Place { First = 1, Second }

abstract class Shown {
  constructor(protected readonly parts: readonly string[]) {}
  abstract get text(): string;
}

class Word extends Shown {
  #made = 0;
  get text(): string {
    this.#made ||= 1;
    return this.parts.join("");
  }
}

const parts = [{ at: Place.Second, text: "ern" }, { at: Place.First, text: "mod" }] as const satisfies readonly { at: Place; text: string }[];
const word = new Word(parts.toSorted((a, b) => a.at - b.at).map(({ text }) => text));
const groups = Object.groupBy([1, 2, 3], (each) => (each % 2 ? "odd" : "even"));
{
  using closed = { [Symbol.dispose]() {}, size: new Set([1, 3]).intersection(new Set(groups.odd)).size };
  const answer = new Response(closed.size === 2 ? word.text : "");
  console.log(await answer.text());
}
