/**
 * What a program embedded in a page has printed: text with all that hides made visible; bounded, and never markup. What
 * understands colours comes with the first escape sequence.
 */

import { make } from "./dom.js";
import { isPlain, pieces } from "./visible.js";

const MOST_CHARACTERS = 400_000;
const MOST_PIECES = 5_000;
const NO_COLOURS = { colour() {}, Sgr: null };

export class WidgetOutput {
  #pre;
  #label;
  #notes = make("div", { className: "note" });
  /** @type {any} what understands colours, once it is there */
  #more = null;
  #sgr = {};
  #waiting = [];
  #frame = 0;
  #room = 0;
  #pieces = 0;
  #stream = "";
  #box;
  #over = false;

  /** @param {HTMLElement} pre @param {(name: string) => string} label */
  constructor(pre, label) {
    this.#pre = pre;
    this.#label = label;
    this.clear();
  }

  get isEmpty() {
    return this.#room === MOST_CHARACTERS;
  }

  clear() {
    cancelAnimationFrame(this.#frame);
    this.#notes.replaceChildren();
    this.#pre.replaceChildren(this.#notes);
    this.#sgr = {};
    this.#waiting = [];
    this.#room = MOST_CHARACTERS;
    this.#frame = this.#pieces = 0;
    this.#stream = "";
    this.#over = false;
  }

  /** @param {string} stream @param {string} text */
  push(stream, text) {
    if (!text || this.#room <= 0) return;
    this.#waiting.push([stream, text.slice(0, this.#room)]);
    this.#room -= text.length;
    if (this.#room <= 0) this.note("cut");
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Nothing comes any more. */
  end() {
    this.#over = true;
    cancelAnimationFrame(this.#frame);
    this.#draw();
  }

  /** A sentence below it, not of the program. @param {string} name */
  note(name) {
    this.#notes.append(make("div", {}, this.#label(name)));
  }

  async #draw() {
    if (!this.#more && this.#waiting.some(([, text]) => text.includes("\x1b"))) {
      const waiting = this.#waiting;
      // Without it they are shown as what they are.
      const more = await import(MORE_PATH).catch(() => NO_COLOURS);
      if (waiting !== this.#waiting) return;
      more.colour(this.#pre.getRootNode());
      this.#more = more;
    }
    this.#frame = 0;
    for (const [stream, text] of this.#waiting) {
      for (const run of this.#of(stream)?.push(text) ?? [{ text }]) this.#put(stream, run);
    }
    this.#waiting = [];
    if (this.#over) for (const stream in this.#sgr) for (const run of this.#sgr[stream].end()) this.#put(stream, run);
  }

  #of(stream) {
    return this.#more?.Sgr && (this.#sgr[stream] ??= new this.#more.Sgr());
  }

  #put(stream, { text, style }) {
    if (this.#stream !== stream) {
      this.#stream = stream;
      this.#box = make("div", { className: stream });
      this.#notes.before(this.#box);
      // Not by colour alone: one who listens is told as well.
      if (stream === "stderr") this.#box.append(make("span", { className: "sr" }, this.#label("stderr")));
    }
    const place = style ? this.#box.appendChild(make("span")) : this.#box;
    if (style) this.#more.dressed(place, style);
    let plain = "";
    for (const piece of isPlain(text) ? [{ text }] : pieces(text)) {
      if (!piece.hidden || ++this.#pieces > MOST_PIECES) {
        plain += piece.text;
        continue;
      }
      place.append(plain, make("span", { className: "hid" }, piece.text));
      plain = "";
    }
    place.append(plain);
  }
}
