import { spoken } from "./words/spoken";

type Part = { kind: "first"; text: string } | { kind: "rest"; text: `${string}n` };

const parts = [{ kind: "first", text: "mod" }, { kind: "rest", text: "ern" }] as const satisfies readonly Part[];

class Word<T extends readonly Part[]> {
    #parts: T;
    constructor(parts: T) { this.#parts = parts; }
    get text(): string { return this.#parts.map((part: Part) => part.text).join(""); }
}

function isFirst(part: Part): part is Extract<Part, { kind: "first" }> { return part.kind === "first"; }

const { 0: first, ...others }: Record<number, Part | undefined> = { ...parts };
const found = first && isFirst(first) && others[1]?.text.endsWith("n") ? new Word(parts).text : undefined;

// Names that browsers have, types of theirs, and what the library of today brings.
const name = [3, 1, 2].toSorted().join("");
const list = [];
list.push(name);
let shown: HTMLElement | null = null;
const answer: Response = new Response(found);
const groups = Object.groupBy(list, (each) => (each === "123" ? "right" : "wrong"));
if (groups.right?.length === new Set([1]).union(new Set([1])).size && shown === null) console.log(await spoken(answer));
