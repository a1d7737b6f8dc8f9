/**
 * What a program has printed: in the order in which it came, both streams in one, with colours, with all that hides made
 * visible. A megabyte or a hundred thousand lines stay smooth: the first and the last thousand lines are in the page, the
 * rest where it is asked for.
 */

import { button, make } from "./dom.js";
import { words } from "./messages.js";
import { Sgr } from "./sgr.js";
import { isPlain, pieces } from "./visible.js";

const HEAD = 1000;
const TAIL = 1000;
const GROUP = 200;
const LONGEST_LINE = 5000;
const FRAME_MS = 8;
const TAIL_MS = 200;
const WITH_PLACES = 2000;

/** @typedef {{stream: string, runs: {text: string, style: any, stream: string}[]}} Line */

export class Output {
  #box;
  #pre;
  #head;
  #more;
  #tail;
  /** @type {Line[]} */
  #lines = [];
  #raw = [];
  #sgr = { stdout: new Sgr(), stderr: new Sgr() };
  #shownHead = 0;
  #open = true;
  #frame = 0;
  #tailAt = 0;
  #all = false;
  #find;
  #goTo;

  /**
   * @param {HTMLElement} box
   * @param {(text: string) => {index: number, length: number, file: string, line: number, column: number}[]} find
   * @param {(file: string, line: number, column: number) => void} goTo
   */
  constructor(box, find, goTo) {
    this.#box = box;
    this.#find = find;
    this.#goTo = goTo;
    this.#head = make("div");
    this.#more = make("div");
    this.#tail = make("div");
    this.#pre = make(
      "pre",
      { id: "output", tabIndex: 0, role: "region", "aria-label": words.output.label, dir: "auto" },
      this.#head, this.#more, this.#tail,
    );
    box.replaceChildren(this.#pre);
  }

  /** Everything as it was printed, but for what was lost or cut. */
  get text() {
    return this.#raw.join("");
  }

  get isEmpty() {
    return !this.#raw.length;
  }

  /** How many lines there are. */
  get count() {
    const last = this.#lines.at(-1);
    return this.#lines.length - (last && !last.runs.length ? 1 : 0);
  }

  /** Begin again with nothing. */
  clear() {
    this.#lines = [];
    this.#raw = [];
    this.#sgr = { stdout: new Sgr(), stderr: new Sgr() };
    this.#shownHead = 0;
    this.#open = true;
    this.#all = false;
    this.#head.replaceChildren();
    this.#more.replaceChildren();
    this.#tail.replaceChildren();
    for (const note of this.#box.querySelectorAll(".note")) note.remove();
  }

  /** What one of the streams brings next. @param {string} stream @param {string} text */
  push(stream, text) {
    if (!text) return;
    this.#raw.push(text);
    for (const run of this.#sgr[stream === "stderr" ? "stderr" : "stdout"].push(text)) this.#add(stream, run);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Nothing comes any more. */
  end() {
    for (const stream of ["stdout", "stderr"]) for (const run of this.#sgr[stream].end()) this.#add(stream, run);
    this.#open = false;
    cancelAnimationFrame(this.#frame);
    this.#tailAt = 0;
    this.#draw();
  }

  /** A sentence below it, not of the program. @param {string} text */
  note(text) {
    this.#box.append(make("p", { className: "note hint" }, text));
  }

  #add(stream, run) {
    const parts = run.text.split("\n");
    parts.forEach((part, index) => {
      if (index || !this.#lines.length) this.#lines.push({ stream, runs: [] });
      const line = this.#lines.at(-1);
      if (!line.runs.length) line.stream = stream;
      else if (line.stream !== stream && part) line.stream = "both";
      if (part) line.runs.push({ text: part, style: run.style, stream });
    });
  }

  #draw() {
    this.#frame = 0;
    if (this.#all) return this.#drawRest();
    // The last line may go on, so it is drawn when the next one has begun.
    const whole = this.#open ? Math.max(0, this.#lines.length - 1) : this.count;
    if (this.#shownHead < HEAD) {
      const to = Math.min(HEAD, whole);
      this.#head.append(this.#rendered(this.#shownHead, to));
      this.#shownHead = to;
    }
    const now = performance.now();
    if (this.#lines.length > HEAD && now - this.#tailAt < TAIL_MS) {
      this.#frame = requestAnimationFrame(() => this.#draw());
      return;
    }
    this.#tailAt = now;
    const from = Math.max(this.#shownHead, this.count - TAIL);
    const between = from - this.#shownHead;
    this.#tail.replaceChildren(this.#rendered(from, this.count));
    this.#more.replaceChildren(
      ...(between > 0 ? [button(words.output.more_lines(between), () => this.#showAll(), { className: "more" })] : []),
    );
  }

  #showAll() {
    this.#all = true;
    this.#more.replaceChildren();
    this.#tail.replaceChildren();
    this.#drawRest();
    this.#pre.focus();
  }

  /** A part in each frame. */
  #drawRest() {
    const whole = this.#open ? Math.max(0, this.#lines.length - 1) : this.count;
    for (const ends = performance.now() + FRAME_MS; this.#shownHead < whole && performance.now() < ends; ) {
      const to = Math.min(this.#shownHead + GROUP, whole);
      this.#head.append(this.#rendered(this.#shownHead, to));
      this.#shownHead = to;
    }
    if (this.#shownHead < whole) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Lines of one kind stand in one block, which the browser leaves aside while it is out of sight. */
  #rendered(from, to) {
    const made = document.createDocumentFragment();
    for (let at = from; at < to; ) {
      const stream = this.#lines[at].stream;
      const block = make("div", { className: stream });
      if (stream === "stderr") block.append(make("span", { className: "sr" }, words.output.stderr));
      const first = at;
      const ends = Math.min(to, at + GROUP);
      for (; at < ends && this.#lines[at].stream === stream; at++) this.#line(block, this.#lines[at], at);
      // How high it is likely to be, for as long as nobody looks.
      block.style.containIntrinsicBlockSize = `auto ${(at - first) * 1.5}em`;
      made.append(block);
    }
    return made;
  }

  #line(block, line, at) {
    let left = LONGEST_LINE;
    for (const run of line.runs) {
      if (left <= 0) break;
      const text = run.text.slice(0, left);
      left -= text.length;
      const place = run.style || line.stream === "both" ? block.appendChild(styled(run, line)) : block;
      const found = at < WITH_PLACES ? this.#find(text) : [];
      this.#text(place, text, found);
    }
    const cut = line.runs.reduce((sum, run) => sum + run.text.length, 0) - LONGEST_LINE;
    if (cut > 0) block.append(make("span", { className: "cut" }, ` … ${words.output.more_characters(cut)}`));
    block.append("\n");
  }

  #text(place, text, found) {
    let from = 0;
    for (const { index, length, file, line, column } of found) {
      shown(place, text.slice(from, index));
      const jump = button("", () => this.#goTo(file, line, column), { className: "jump", title: words.output.go_to(file, line) });
      shown(jump, text.slice(index, index + length));
      place.append(jump);
      from = index + length;
    }
    shown(place, text.slice(from));
  }
}

/** Text whose hidden characters are seen. */
export function shown(place, text) {
  if (!text) return;
  if (isPlain(text)) return place.append(text);
  for (const piece of pieces(text)) place.append(piece.hidden ? make("span", { className: "hid" }, piece.text) : piece.text);
}

function styled({ style, stream }, line) {
  const classes = line.stream === "both" ? [stream] : [];
  const made = make("span");
  for (const name of ["bold", "dim", "italic", "underline", "strike", "inverse"]) if (style?.[name]) classes.push(name);
  for (const [name, property] of [["fg", "color"], ["bg", "backgroundColor"]]) {
    const colour = style?.[name];
    if (typeof colour === "number") classes.push(`${name}${colour}`);
    else if (colour !== undefined) made.style[property] = colour;
  }
  made.className = classes.join(" ");
  return made;
}

