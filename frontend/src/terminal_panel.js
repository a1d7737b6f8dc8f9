/** The tab of the terminal: its tools, its words, and the terminal itself. */

import { button, copyButton, make } from "./dom.js";
import { set, settings } from "./drafts.js";
import { words } from "./messages.js";
import { Screen } from "./terminal.js";
import { Talk } from "./talk.js";

const HINT = "terminal-hint";
const INTERRUPT = "\x03";
const END_OF_INPUT = "\x04";
/** For screens without a keyboard that has them. */
const KEYS = [["Esc", "\x1b"], ["Tab", "\t"], ["↑", "\x1b[A"], ["↓", "\x1b[B"]];

export class TerminalPanel {
  #host = make("div", { className: "screen", tabIndex: -1 });
  #said = make("p", { className: "hint", role: "status" });
  /** @type {HTMLButtonElement[]} */
  #forProgram = [];
  /** @type {Screen | null} */
  #screen = null;
  /** @type {Talk | null} */
  #talk = null;
  /** Whether the connection was cut. */
  #away = false;
  /** Whether the server has such executions. */
  isOffered;

  /** @param {HTMLElement} panel @param {boolean} isOffered */
  constructor(panel, isOffered) {
    this.isOffered = isOffered;
    if (!isOffered) return void panel.append(make("p", { className: "hint" }, words.terminal.off));
    const type = (name, text, more = {}) => {
      const made = button(name, () => (this.#type(text), this.focus()), { disabled: true, ...more });
      this.#forProgram.push(made);
      return made;
    };
    const reader = button(words.terminal.reader, () => {
      set({ reader: !settings.reader });
      reader.ariaPressed = String(settings.reader);
      this.#screen?.setReader(settings.reader);
    }, { "aria-pressed": String(settings.reader) });
    panel.append(
      make("div", { className: "tools" },
        type("^C", INTERRUPT, { "aria-label": words.terminal.interrupt, title: words.terminal.interrupt }),
        type("^D", END_OF_INPUT, { "aria-label": words.terminal.end_of_input, title: words.terminal.end_of_input }),
        ...KEYS.map(([name, text]) => type(name, text, { className: "touch" })),
        copyButton(words.output.copy, words.output.copied, () => this.#screen?.text ?? ""),
        button(words.terminal.paste, () => this.#paste()),
        reader),
      make("p", { className: "hint", id: HINT }, words.terminal.hint),
      this.#said,
      this.#host,
    );
    this.#screen = new Screen(this.#host, {
      typed: (text) => this.#type(text),
      typedBytes: (binary) => this.#talk?.typeBytes(binary),
      resized: (size) => this.#talk?.resize(size),
      copied: () => this.#say(words.output.copied),
    }, HINT);
  }

  /**
   * A run in the terminal, as a Run.
   * @param {import("./runner.js").Listener} listener @param {Record<string, string>} headers of every request
   */
  run(listener, headers) {
    const talk = new Talk(this.#told(listener), headers);
    return {
      start: (body) => {
        this.#talk = talk;
        this.#screen.begin();
        this.#say("");
        for (const each of this.#forProgram) each.disabled = false;
        this.focus();
        talk.start(body, this.#screen.size);
      },
      stop: () => talk.stop(),
      leave: () => talk.leave(),
    };
  }

  focus() {
    this.#screen?.focus();
  }

  /** Whether this is a part of it. @param {Node} element */
  has(element) {
    return this.#host.contains(element);
  }

  /** How it ended. @param {string} text */
  end(text) {
    this.#screen?.end(`[${text}]`);
  }

  /** What a run tells goes on; what it prints is shown here. */
  #told(listener) {
    return {
      ...listener,
      state: (name, data) => {
        if (name === "away" && !this.#away) this.#screen.note(`[${words.terminal.cut}]`);
        if (name === "back") this.#screen.note(`[${words.terminal.back}]`);
        this.#away = name === "away";
        listener.state(name, data);
      },
      output: (_stream, data, step, shown) => {
        // Only the program has a terminal; a compiler's lines end as in a file.
        this.#screen.write(step === "compile" && typeof data === "string" ? data.replaceAll("\n", "\r\n") : data, shown);
      },
      gap: () => this.#screen.note(`[${words.output.gap}]`),
      ended: (ending) => {
        this.#talk = null;
        for (const each of this.#forProgram) each.disabled = true;
        listener.ended(ending);
      },
    };
  }

  #type(text) {
    if (this.#talk && !this.#talk.type(text)) this.#say(words.terminal.too_long);
  }

  async #paste() {
    try {
      const text = await navigator.clipboard.readText();
      this.#screen?.paste(text);
      this.#say("");
    } catch {
      this.#say(words.terminal.no_paste);
    }
    this.focus();
  }

  #say(text) {
    this.#said.textContent = text;
  }
}
