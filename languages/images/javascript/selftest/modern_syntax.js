class Word {
    #parts = [];
    static #made = 0;
    static { Word.#made = 1; }
    add(part) { (this.#parts ??= []).push(part); return this; }
    get text() { return this.#parts.toSorted((a, b) => a.at - b.at).map(({ text }) => text).join(""); }
    static made() { return Word.#made; }
}
const word = new Word().add({ at: 2, text: "ern" }).add({ at: 1, text: "mod" });
const found = [1, 2, 3].findLast((each) => each < 3)?.toString() ?? "none";
const groups = Object.groupBy?.([1], () => "a") ?? {};
const copy = structuredClone({ n: 1_000n, groups });
const { promise, resolve } = Promise.withResolvers();
resolve(new Set([1]).union(new Set([2])).values().map((each) => each * 2).toArray().join(RegExp.escape("")));
promise.then((text) => { if (text !== "24") process.exit(1); });
if (found !== "2" || copy.n !== 1000n || [1, 2].with(0, 9).at(0) !== 9 || Word.made() !== 1) process.exit(1);
(async () => {
    for await (const text of [Promise.resolve(word.text)]) console.log(text.replaceAll("x", ""));
})();
