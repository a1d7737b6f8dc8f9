/**
 * `<gexec-snippet>`: a program on a page of any origin that can be run where it stands. Theory of operation: what is shown
 * of the program is the page's own `<pre>`, in the element or before it, so that a reader without scripts has it too; all
 * that is added stands in a shadow root with a style sheet of its own, so that neither the page's styles nor its policy
 * reach it. Nothing runs before somebody asks for it. The editor is loaded when its first reader goes into it.
 */

import { make } from "./dom.js";
import { titleOf } from "./endings.js";
import { duration } from "./messages.js";
import { Run } from "./runner.js";
import { WidgetOutput } from "./widget_output.js";

const HOME = new URL(import.meta.url).origin;
/** Where its name is not what is said. */
const LABELS = {
  run: "Run", stop: "Stop", reset: "Reset", copy: "Copy", share: "Share", edit: "Edit", copied: "Copied",
  source: "Source", output: "Output", input: "Input", test: "Test", stderr: "stderr: ", cut: "The output was cut.",
  resuming: "the connection was cut; going on", busy: "the server is busy, trying again",
  nothing: "The program printed nothing.",
  limited: "out of runs: again in", refused: "not run:", lost: "the connection was lost, and the run with it",
  unreachable: "the server does not answer, or takes no programs from this page", keyless: "this page has no key for the server",
  passed: "tests passed",
};
const EDITABLE = ["basic", "on"];
const MORE = ["args", "depends-on", "file", "files", "limits", "template", "tests"];

/** The text of an element of the page, whatever kind it is of. A browser writes the end of a line as `<br>` into it. */
function textOf(element) {
  if (element.value != null) return element.value;
  const copy = (element.content ?? element).cloneNode(true);
  for (const end of copy.querySelectorAll("br")) end.replaceWith("\n");
  return copy.textContent;
}
/** Written with the indentation of the page around it. */
function dedented(text) {
  const lines = text.replace(/^[ \t]*\n|\n[ \t]*$/g, "").split("\n");
  const least = Math.min(...lines.filter((line) => line.trim()).map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(Number.isFinite(least) ? least : 0)).join("\n");
}

/** @type {CSSStyleSheet | undefined} of all on the page */
let sheet;
function looks() {
  if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(LOOKS);
  return sheet;
}

class Snippet extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  #begun = false;
  /** The page's element with the program, and the one in it with the text. */
  #block;
  #code;
  #first = "";
  #original = [];
  /** @type {any} of the editor, once it is there */
  #editor = null;
  #loading = false;
  /** A run is being made or is on. */
  #busy = false;
  /** @type {Run | null} */
  #run = null;
  #blockedUntil = 0;
  #timer = 0;
  #done = [];
  /** Of a page of the server's own, which sends no Origin: see embed_page.js. */
  token = "";
  #output;
  #parts = {};

  connectedCallback() {
    if (this.#begun) return;
    this.#begun = true;
    const begin = () => (this.isConnected ? this.#begin() : (this.#begun = false));
    // What stands in it and before it has to be there.
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
    else setTimeout(begin, this.getAttribute("init-delay") ?? 0);
  }

  disconnectedCallback() {
    this.#run?.leave();
  }

  /** What would be run now, without what is around it. */
  get source() {
    if (this.#editor) return this.#editor.text;
    return this.#code ? textOf(this.#code) : "";
  }

  set source(text) {
    if (!this.#code) return;
    if (this.#editor) {
      this.#editor.show("", text, this.#named("source"));
    } else if ("value" in this.#code) this.#code.value = text;
    else this.#code.textContent = text;
    this.#changed();
  }

  /** The execution as the API tells it; null where it came to none. Rejects never. */
  async run() {
    if (this.#busy || performance.now() < this.#blockedUntil || !this.#output) return null;
    this.#busy = true;
    const over = new Promise((resolve) => this.#done.push(resolve));
    let body;
    try {
      body = await this.#body();
    } catch (error) {
      this.#fail({ code: "bad_snippet", detail: error.message }, `${this.#label("refused")} ${error.message}`);
      return over;
    }
    this.#show();
    this.#run = new Run(this.#listener(), this.#headers(), this.#server);
    this.#buttons();
    this.#run.start(body).catch(() => this.#ended({ kind: "lost" }));
    return over;
  }

  /** End what runs; what it has printed stays. */
  stop() {
    this.#run?.stop();
  }

  /** The program as it was, and nothing of its runs. */
  reset() {
    this.stop();
    if (this.#editor || "value" in this.#code) this.source = this.#first;
    else {
      this.#code.replaceChildren(...this.#original.map((node) => node.cloneNode(true)));
      this.#changed();
    }
    const { pre, tests, fallback } = this.#parts;
    this.#output.clear();
    pre.hidden = tests.hidden = true;
    fallback.hidden = false;
    this.#say("", "");
  }

  // What it is made of

  #begin() {
    const own = this.querySelector(":scope > pre, :scope > textarea");
    const named = this.getAttribute("for");
    const before = /^(PRE|TEXTAREA|DIV|FIGURE)$/.test(this.previousElementSibling?.tagName ?? "") ? this.previousElementSibling : null;
    // Its own text, without what else is in it.
    const text = dedented([...this.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join(""));
    this.#block = named ? document.getElementById(named) : own ?? (text.trim() ? null : before);
    const slot = own && make("slot");
    if (!this.#block) this.#block = make("pre", { part: "code" }, text);
    this.#code = this.#block.querySelector("code, textarea") ?? this.#block.querySelector("pre") ?? this.#block;
    this.#first = textOf(this.#code);
    this.#original = [...this.#code.childNodes].map((node) => node.cloneNode(true));
    this.#root.adoptedStyleSheets = [looks()];
    const all = this.#build(slot ?? (this.#block.isConnected ? null : this.#block));
    // Before the editor, in which the same keys mean something else.
    all.addEventListener("keydown", (event) => this.#key(event), true);
    this.#root.replaceChildren(all);
    if (EDITABLE.includes(this.getAttribute("editor"))) this.#edit();
    this.#code.addEventListener("input", () => this.#changed());
    addEventListener("pagehide", () => this.#run?.leave());
    this.#buttons();
  }

  #build(code) {
    const actions = (this.getAttribute("actions") ?? "run reset copy").split(/\s+/);
    const does = {
      run: () => this.run(), stop: () => this.stop(), reset: () => this.reset(), copy: () => this.#copy(this.source),
      share: () => this.#share(), edit: () => (this.#edit(), this.#focus()),
    };
    const button = (name) =>
      make("button", { type: "button", className: name, part: `button ${name}`, onclick: does[name] }, this.#label(name));
    const buttons = actions.filter((name) => Object.hasOwn(does, name)).flatMap((name) => (name === "run" ? [button("run"), button("stop")] : button(name)));
    const show = this.#shows;
    // What may be scrolled can be gone into, and says what it is; no landmark, of which each had to be another.
    const named = (name) => ({ tabIndex: 0, role: "group", ariaLabel: this.#named(name) });
    if (code === this.#block) Object.assign(code, named("source"));
    const input = make("textarea", { rows: 3, part: "input", spellcheck: false, value: this.#text("stdin") });
    this.#parts = {
      code,
      editor: make("div", { className: "editor", part: "editor", hidden: true }),
      status: make("span", { className: "status", part: "status", role: "status" }),
      input,
      fallback: make("slot", { name: "output" }),
      pre: make("pre", { className: "output", part: "output", hidden: true, dir: "auto", ...named("output") }),
      tests: make("table", { part: "tests", hidden: true }),
      buttons: Object.fromEntries(buttons.map((each) => [each.className, each])),
    };
    const { editor, status, fallback, pre, tests } = this.#parts;
    this.#output = new WidgetOutput(pre, (name) => this.#label(name));
    return make(
      "div", { className: "all", part: "snippet", lang: "en" },
      ...(code ? [code] : []), editor,
      make("div", { className: "bar", part: "bar" }, ...buttons, status),
      ...(show.includes("input") ? [make("label", {}, this.#label("input"), input)] : []),
      fallback, tests, pre,
    );
  }

  #key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      this.run();
    }
  }

  /** Let the program be written in: where it stands, or in an editor that comes when somebody goes into it. */
  #edit() {
    const code = this.#code;
    if (!("value" in code)) {
      try {
        code.contentEditable = "plaintext-only";
      } catch {
        code.contentEditable = "true";
      }
      const says = { role: "textbox", "aria-multiline": "true", "aria-label": this.#named("source"), spellcheck: "false", autocapitalize: "off" };
      for (const [name, value] of Object.entries(says)) code.setAttribute(name, value);
      code.addEventListener("keydown", (event) => this.#key(event));
    }
    if (this.getAttribute("editor") === "on") code.addEventListener("focus", () => this.#load());
  }

  #focus() {
    (this.#editor ?? this.#code).focus();
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    const { editor, code } = this.#parts;
    try {
      const { Editor } = await import(EDITOR_PATH);
      const made = new Editor(editor, { changed: () => this.#changed() });
      made.show("", this.source, this.#named("source"));
      made.colour(this.#language.split("@")[0]);
      const hadFocus = this.#block.contains(document.activeElement) || this.#root.activeElement;
      if (code) code.hidden = true;
      else this.#block.style.setProperty("display", "none", "important");
      editor.hidden = false;
      this.#editor = made;
      if (hadFocus) made.focus();
    } catch {
      // Without it the program can be written and run as well.
    }
  }

  // What it says

  #label(name) {
    return this.getAttribute(`label-${name}`) ?? LABELS[name] ?? name;
  }

  #named(name) {
    return `${this.#label(name)}, ${this.#language}`;
  }

  #say(text, kind) {
    clearInterval(this.#timer);
    const { status } = this.#parts;
    status.textContent = text;
    status.className = `status ${kind}`;
  }

  #buttons() {
    const { run, stop } = this.#parts.buttons;
    const runs = Boolean(this.#run);
    const { activeElement } = this.#root;
    if (run) run.disabled = runs || performance.now() < this.#blockedUntil;
    if (!stop) return;
    stop.hidden = !runs;
    if (activeElement === run && runs) stop.focus();
    if (activeElement === stop && !runs) run.focus();
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`gexec-${name}`, { bubbles: true, composed: true, detail }));
  }

  #changed() {
    this.#emit("change", { source: this.source, at: Date.now() });
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.#say(this.#label("copied"), "");
    } catch {
      // Without TLS, or in a frame, a browser may offer no clipboard: it can be copied by hand.
      this.#say(text, "");
    }
  }

  async #share() {
    try {
      const { linkTo } = await import(MORE_PATH);
      await this.#copy(await linkTo(this, this.#stdin, this.#server, this.#headers()));
    } catch (error) {
      this.#say(error.message, "bad");
    }
  }

  // What is sent

  get #server() {
    return new URL(this.getAttribute("server") ?? HOME, document.baseURI).origin;
  }

  get #language() {
    return this.getAttribute("language") ?? "";
  }

  get #shows() {
    return (this.getAttribute("show") ?? "").split(/\s+/);
  }

  get #stdin() {
    return this.#parts.input.isConnected ? this.#parts.input.value : this.#text("stdin");
  }

  #headers() {
    const key = this.getAttribute("key");
    return { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...(this.token ? { "X-Embed-Token": this.token } : {}) };
  }

  /** What an attribute says, or the element that it names with a #. */
  #text(name) {
    const value = this.getAttribute(name) ?? "";
    const element = value.startsWith("#") ? document.getElementById(value.slice(1)) : null;
    return element ? textOf(element) : value;
  }

  async #body() {
    if (MORE.some((name) => this.hasAttribute(name))) {
      const { bodyOf } = await import(MORE_PATH);
      return bodyOf(this, this.#stdin, this.#server, this.#headers());
    }
    const stdin = this.#stdin;
    return { language: this.#language, source_code: this.source, ...(stdin ? { stdin } : {}) };
  }

  // What comes back

  #show() {
    const { pre, tests, fallback } = this.#parts;
    this.#output.clear();
    fallback.hidden = true;
    pre.hidden = false;
    tests.hidden = true;
  }

  /** @returns {import("./runner.js").Listener} */
  #listener() {
    const isTested = Boolean(this.#text("tests").trim());
    let printed = false;
    let told = false;
    return {
      state: (name) => {
        if (!told && this.#run?.id) {
          told = true;
          this.#emit("run", { id: this.#run.id });
        }
        if (name === "restarted") this.#output.clear();
        if (!name.endsWith("started")) this.#say(this.#label(name), "");
      },
      output: (stream, text, step) => {
        printed = true;
        this.#emit("output", { stream, text });
        if (!isTested || step === "compile") this.#output.push(stream, text);
      },
      test: () => {},
      gap: () => this.#output.note("cut"),
      ended: (ending) => this.#ended(ending, printed),
    };
  }

  #ended(ending, printed) {
    this.#run = null;
    if (ending.kind === "finished") this.#finished(ending.execution, printed);
    else if (ending.kind === "limited") this.#limited(ending);
    else if (ending.kind === "stopped") this.#fail({ code: "stopped" }, this.#label("stopped"), "warn");
    else this.#refused(ending);
    this.#output.end();
  }

  #finished(execution, printed) {
    const { compile, run, tests, score } = execution;
    const steps = [compile, run].filter(Boolean);
    if (!printed && !tests) {
      for (const step of steps) for (const stream of ["stdout", "stderr"]) this.#output.push(stream, step[stream] ?? "");
    }
    this.#output.end();
    if (steps.some((step) => step.stdout_truncated || step.stderr_truncated)) this.#output.note("cut");
    if (tests && score) this.#tested(tests, score);
    else {
      if (this.#output.isEmpty) this.#output.note("nothing");
      const took = run?.wall_ms != null ? ` · ${duration(run.wall_ms)}` : "";
      this.#say(titleOf(execution) + took, execution.outcome === "ok" ? "good" : "warn");
    }
    this.#over(execution);
    this.#emit("result", execution);
  }

  async #tested(tests, { passed, total }) {
    this.#say(`${passed}/${total} ${this.#label("passed")}`, passed === total ? "good" : "warn");
    const { pre, tests: table } = this.#parts;
    pre.hidden = this.#output.isEmpty;
    if (this.#shows.includes("score")) return;
    const { rowsOf } = await import(MORE_PATH);
    table.hidden = false;
    table.replaceChildren(...rowsOf(tests, (name) => this.#label(name)));
  }

  #limited({ wait_s }) {
    // Retry-After leaves parts of a second away.
    this.#blockedUntil = performance.now() + (wait_s + 1) * 1000;
    const left = () => Math.ceil((this.#blockedUntil - performance.now()) / 1000);
    this.#fail({ code: "rate_limited", retry_after_s: wait_s }, `${this.#label("limited")} ${left()} s`);
    this.#timer = setInterval(() => {
      if (left() > 0) return;
      this.#say("", "");
      this.#buttons();
    }, 500);
  }

  #refused({ kind, problem = { code: kind } }) {
    const isKeyless = !this.hasAttribute("key") && /40[13]/.test(problem.status ?? 403);
    const why = kind === "lost" ? kind : isKeyless ? "keyless" : "unreachable";
    const said = kind === "refused" && !isKeyless ? `${this.#label("refused")} ${problem.detail ?? problem.status}` : this.#label(why);
    this.#fail({ detail: said, ...problem }, said);
  }

  #fail(problem, text, kind = "bad") {
    this.#say(text, kind);
    this.#over(null);
    this.#emit("error", problem);
  }

  #over(execution) {
    this.#busy = false;
    this.#buttons();
    for (const resolve of this.#done.splice(0)) resolve(execution);
  }
}

if (!customElements.get("gexec-snippet")) customElements.define("gexec-snippet", Snippet);
