/** Tests: their table, their verdicts, and what was printed beside what was expected. */

import { button, byId, copyButton, dialog, make } from "./dom.js";
import { difference, whiteSpaceSeen } from "./diff.js";
import { duration, words } from "./messages.js";
import { shown } from "./output.js";
import { MOST_TESTS } from "./program.js";

const SHOWN_ROWS = 400;

export class TestsPanel {
  #panel;
  #owner;
  #table = make("tbody");
  /** @type {any[]} what came of each */
  #results = [];

  /**
   * @param {HTMLElement} panel
   * @param {{tests: () => import("./program.js").Test[], changed: () => void, run: () => void}} owner
   */
  constructor(panel, owner) {
    this.#panel = panel;
    this.#owner = owner;
    const titles = [words.tests.name, words.tests.stdin, words.tests.expected, words.tests.verdict];
    this.#panel.replaceChildren(
      make("div", { className: "tools" },
        button(words.tests.run, () => owner.run(), { className: "primary", id: "run-tests" }),
        button(words.tests.add, () => this.#insert(owner.tests().length, { name: "", stdin: "", expected_stdout: "" })),
        button(words.tests.paste, () => this.#paste()),
        copyButton(words.tests.export, words.output.copied, () => JSON.stringify(owner.tests(), null, 2)),
      ),
      make("p", { className: "hint" }, words.tests.intro),
      make("table", { className: "tests" },
        make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)))), this.#table),
    );
  }

  /** Draw the tests again, without results. */
  draw() {
    this.#results = [];
    const tests = this.#owner.tests();
    this.#table.replaceChildren(...(tests.length ? tests.map((test, index) => this.#row(test, index)) : [this.#nothing()]));
    this.#count();
  }

  /** A run of all tests begins. */
  begin() {
    this.#results = this.#owner.tests().map(() => null);
    this.#table.querySelectorAll(".verdict").forEach((cell) => cell.replaceChildren());
    this.#count();
  }

  /** The verdict of one. @param {number} index @param {any} result */
  tell(index, result) {
    this.#results[index] = result;
    const cell = this.#table.children[index]?.querySelector(".verdict");
    if (!cell) return;
    const test = this.#owner.tests()[index];
    const good = result.verdict === "passed";
    cell.replaceChildren(
      make("span", { className: good ? "good" : "bad" }, `${good ? "✓" : "✗"} ${words.tests.verdicts[result.verdict] ?? result.verdict}`),
      ...(result.wall_ms == null ? [] : [make("span", { className: "hint" }, ` ${duration(result.wall_ms)}`)]),
      ...(result.stdout !== undefined && !good ? [button(words.tests.difference, () => showDifference(this.#nameOf(index), test, result))] : []),
    );
    this.#count();
  }

  get passed() {
    return this.#results.filter((result) => result?.verdict === "passed").length;
  }

  #count() {
    const told = this.#results.filter(Boolean).length;
    const total = this.#owner.tests().length;
    byId("tests-count").textContent = told ? ` ${this.passed}/${total}` : total ? ` ${total}` : "";
  }

  #nothing() {
    return make("tr", {}, make("td", { colSpan: 4, className: "hint" }, words.tests.none));
  }

  #nameOf(index) {
    return this.#owner.tests()[index].name || words.tests.unnamed(index);
  }

  #row(test, index) {
    const name = test.name || words.tests.unnamed(index);
    const field = (property, title, tag) =>
      make(tag, {
        value: test[property], rows: 2, spellcheck: false, wrap: "off", autocapitalize: "off", "aria-label": `${title}, ${name}`,
        oninput: (event) => {
          test[property] = event.target.value;
          this.#owner.changed();
        },
      });
    return make("tr", {},
      make("td", {},
        field("name", words.tests.name, "input"),
        make("div", { className: "tools" },
          button("+", () => this.#insert(index + 1, { ...test }), { "aria-label": words.tests.duplicate(name), title: words.tests.duplicate(name) }),
          button("×", () => this.#delete(index), { "aria-label": words.tests.remove(name), title: words.tests.remove(name) }),
        )),
      make("td", {}, field("stdin", words.tests.stdin, "textarea")),
      make("td", {}, field("expected_stdout", words.tests.expected, "textarea")),
      make("td", { className: "verdict" }),
    );
  }

  #insert(at, ...tests) {
    const list = this.#owner.tests();
    list.splice(at, 0, ...tests.slice(0, MOST_TESTS - list.length));
    this.#owner.changed();
    this.draw();
    this.#table.children[at]?.querySelector("input")?.focus();
  }

  #delete(index) {
    this.#owner.tests().splice(index, 1);
    this.#owner.changed();
    this.draw();
    (this.#table.children[Math.min(index, this.#table.children.length - 1)]?.querySelector("input") ?? byId("tab-tests")).focus();
  }

  #paste() {
    const field = make("textarea", { rows: 10, spellcheck: false, wrap: "off", "aria-label": words.tests.paste, "aria-describedby": "paste-hint" });
    const problem = make("p", { className: "problem", role: "alert", hidden: true }, words.tests.paste_bad);
    const box = dialog(words.tests.paste, field, make("p", { className: "hint", id: "paste-hint" }, words.tests.paste_hint), problem,
      make("p", { className: "row" },
        button(words.files.cancel, () => box.close()),
        button(words.tests.paste_do, () => {
          const tests = testsIn(field.value);
          if (!tests) return (problem.hidden = false);
          box.close();
          this.#insert(this.#owner.tests().length, ...tests);
        }, { className: "primary" })));
    field.focus();
  }
}

/** Tests of pairs or of JSON; null where they are none. @param {string} text */
export function testsIn(text) {
  if (/^\s*[\[{]/.test(text)) {
    try {
      const told = JSON.parse(text);
      const list = Array.isArray(told) ? told : told.tests;
      const tests = list.map((test) => ({
        name: String(test.name ?? ""), stdin: textIn(test.stdin ?? ""), expected_stdout: textIn(test.expected_stdout ?? ""),
      }));
      return tests.length ? tests : null;
    } catch {
      return null;
    }
  }
  const parts = text.replaceAll("\r\n", "\n").split(/^---+[ \t]*\n?/m);
  if (parts.length < 2 || parts.length % 2) return null;
  const tests = [];
  for (let at = 0; at < parts.length; at += 2) tests.push({ name: "", stdin: parts[at], expected_stdout: parts[at + 1] });
  return tests;
}

function textIn(value) {
  if (typeof value !== "string") throw new TypeError("no text");
  return value;
}

function showDifference(name, test, result) {
  const rows = difference(test.expected_stdout, result.stdout);
  const first = rows.findIndex((row) => row.kind !== "same");
  const from = Math.max(0, first - 20);
  const lines = rows.slice(from, from + SHOWN_ROWS).map((row, index) => {
    const sign = { same: " ", expected: "−", printed: "+" }[row.kind];
    const line = make("div", { className: `${row.kind}${from + index === first ? " first" : ""}` }, make("span", { className: "sign" }, `${sign} `));
    shown(line, row.kind === "same" ? row.text.replace(/\n$/, "") : whiteSpaceSeen(row.text));
    line.append("\n");
    return line;
  });
  const label = words.tests.diff(name);
  const box = dialog(
    label,
    make("p", { className: "hint" }, words.tests.legend),
    make("pre", { className: "diff", tabIndex: 0, role: "region", "aria-label": label }, ...(first < 0 ? [words.tests.same] : lines)),
    ...(result.stderr ? [make("h3", {}, "stderr"), stderrOf(result.stderr)] : []),
    make("p", { className: "row" }, button(words.settings.close, () => box.close(), { className: "primary" })),
  );
}

function stderrOf(text) {
  const pre = make("pre", { className: "stderr", tabIndex: 0, role: "region", "aria-label": "stderr" });
  shown(pre, text.slice(0, 20_000));
  return pre;
}
