/** The terminal itself: xterm.js with the page's colours and keys, and nothing that a program could do to the page. */

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import css from "@xterm/xterm/css/xterm.css" with { type: "text" };

import { copy } from "./dom.js";
import { settings } from "./drafts.js";
import { words } from "./messages.js";
import { adopted } from "./sheets.js";

const SCROLLBACK = 5000;
const FIT_MS = 100;
const CONTRAST = 4.5;
const USUAL = { cols: 80, rows: 24 };
const HYPERLINK = 8;
/** What a program may have left on: its screen, a mouse that is told, pastes in brackets, a hidden cursor, colours. */
const OTHER_SCREEN_OFF = "\x1b[?1049l";
const MODES_OFF = "\x1b[?1000;1002;1003;1004;1006;2004l\x1b[?25h\x1b[?7h\x1b[?1l\x1b>\x1b[0m\x1b7\x1b[r\x1b8";

adopted(css);

/**
 * @typedef {object} Listener
 * @property {(text: string) => void} typed
 * @property {(binary: string) => void} typedBytes
 * @property {(size: {cols: number, rows: number}) => void} resized
 * @property {() => void} copied
 */
export class Screen {
  #host;
  #listener;
  #terminal;
  #fit = new FitAddon();
  #fitTimer = 0;

  /** @param {HTMLElement} host @param {Listener} listener @param {string} describedBy id of what tells the way out */
  constructor(host, listener, describedBy) {
    this.#host = host;
    this.#listener = listener;
    Terminal.strings.promptLabel = words.terminal.label;
    Terminal.strings.tooMuchOutput = words.terminal.too_much;
    const terminal = new Terminal({
      ...this.#looks(), ...USUAL,
      cursorBlink: false, disableStdin: true, logLevel: "off", minimumContrastRatio: CONTRAST, scrollback: SCROLLBACK,
      screenReaderMode: settings.reader,
    });
    this.#terminal = terminal;
    terminal.loadAddon(this.#fit);
    // What a program prints leads nowhere.
    terminal.parser.registerOscHandler(HYPERLINK, () => true);
    terminal.open(host);
    terminal.textarea?.setAttribute("aria-describedby", describedBy);
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    terminal.onData((text) => listener.typed(text));
    terminal.onBinary((binary) => listener.typedBytes(binary));
    terminal.onResize(({ cols, rows }) => listener.resized({ cols, rows }));
    this.#fitNow();
    this.#watch();
  }

  get size() {
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  /** A new session begins. */
  begin() {
    this.#terminal.reset();
    // A program may have set colours of its own.
    Object.assign(this.#terminal.options, this.#looks(), { disableStdin: false });
    this.#fitNow();
  }

  /** @param {string | Uint8Array} data @param {() => void} [shown] */
  write(data, shown) {
    this.#terminal.write(data, shown);
  }

  /** A line of ours. @param {string} text */
  note(text) {
    const plain = text.replaceAll(/\p{Cc}/gu, "");
    this.#terminal.write("", () => {
      const { active } = this.#terminal.buffer;
      const line = active.cursorX ? "\r\n" : "";
      this.#terminal.write(`${line}\x1b[0;3m${plain}\x1b[0m\r\n`);
    });
  }

  /** The session is over: what can be seen stays, as the screen of a shell would be. @param {string} text how it ended */
  end(text) {
    this.#terminal.options.disableStdin = true;
    this.#terminal.write("", () => {
      const isOther = this.#terminal.buffer.active.type === "alternate";
      this.#terminal.write((isOther ? OTHER_SCREEN_OFF : "") + MODES_OFF, () => this.note(text));
    });
  }

  focus() {
    this.#terminal.focus();
  }

  /** @param {string} text as if it had been typed */
  paste(text) {
    this.#terminal.paste(text);
  }

  /** What is selected, or else all that is there. */
  get text() {
    const terminal = this.#terminal;
    if (terminal.hasSelection()) return terminal.getSelection();
    terminal.selectAll();
    const all = terminal.getSelection();
    terminal.clearSelection();
    return `${all.trimEnd()}\n`;
  }

  /** @param {boolean} on whether a screen reader is told of what is printed */
  setReader(on) {
    this.#terminal.options.screenReaderMode = on;
  }

  /** Keys that are not the program's; false where xterm.js has nothing to do. @param {KeyboardEvent} event */
  #key(event) {
    if (event.type !== "keydown" || !event.ctrlKey || event.altKey || event.metaKey) return true;
    const key = event.key.toLowerCase();
    if (key === "c" && (event.shiftKey || this.#terminal.hasSelection())) {
      event.preventDefault();
      this.#copy();
      return false;
    }
    // The browser pastes.
    return !(key === "v" && event.shiftKey);
  }

  async #copy() {
    if (!this.#terminal.hasSelection()) return;
    const done = await copy(this.#terminal.getSelection());
    this.#terminal.focus();
    if (!done) return;
    this.#terminal.clearSelection();
    this.#listener.copied();
  }

  /** The size of its place and the colours of the page can change. */
  #watch() {
    new ResizeObserver(() => {
      clearTimeout(this.#fitTimer);
      this.#fitTimer = setTimeout(() => this.#fitNow(), FIT_MS);
    }).observe(this.#host);
    const look = () => {
      Object.assign(this.#terminal.options, this.#looks());
      this.#fitNow();
    };
    new MutationObserver(look).observe(document.documentElement, { attributeFilter: ["data-theme", "style"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
  }

  #fitNow() {
    if (this.#host.clientWidth) this.#fit.fit();
  }

  #looks() {
    const probe = document.createElement("span");
    this.#host.append(probe);
    const style = getComputedStyle(probe);
    const colour = (name) => {
      probe.style.color = `var(--${name})`;
      return style.color;
    };
    const theme = {
      foreground: colour("ink"), background: colour("paper"), cursor: colour("ink"), cursorAccent: colour("paper"),
      selectionBackground: colour("selected"), selectionInactiveBackground: colour("selected"),
    };
    NAMES.forEach((name, index) => (theme[name] = colour(`ansi-${index}`)));
    const looks = { theme, fontFamily: style.fontFamily, fontSize: parseFloat(style.fontSize) };
    probe.remove();
    return looks;
  }
}

const HUES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const NAMES = [...HUES, ...HUES.map((hue) => `bright${hue[0].toUpperCase()}${hue.slice(1)}`)];
