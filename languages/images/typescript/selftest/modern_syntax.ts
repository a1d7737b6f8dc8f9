type Part = { kind: "first"; text: string } | { kind: "rest"; text: `${string}n` };

const parts = [{ kind: "first", text: "mod" }, { kind: "rest", text: "ern" }] as const satisfies readonly Part[];

class Word<T extends readonly Part[]> {
    #parts: T;
    constructor(parts: T) { this.#parts = parts; }
    get text(): string { return this.#parts.map((part: Part) => part.text).join(""); }
}

function isFirst(part: Part): part is Extract<Part, { kind: "first" }> { return part.kind === "first"; }

const { 0: first, ...others }: Record<number, Part | undefined> = { ...parts };
if (first && isFirst(first) && others[1]?.text.endsWith("n")) console.log(new Word(parts).text ?? "no");
