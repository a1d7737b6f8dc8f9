/**
 * Colours and weights of output (SGR, ECMA-48); all other escape sequences are dropped, and what is none stays.
 *
 * A style is `null` or an object that is never changed: runs that look alike share it.
 * @typedef {{fg?: string | number, bg?: string | number, bold?: boolean, dim?: boolean, italic?: boolean,
 *   underline?: boolean, inverse?: boolean, strike?: boolean}} Style
 * @typedef {{text: string, style: Style | null}} Run
 */

// CSI; strings such as titles and links (OSC, DCS, SOS, PM, APC) up to their end; other sequences of two or three.
const SEQUENCE =
  /\x1b(?:\[([0-?]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[ -/][0-~]|[0-OQ-WYZ\\`-~])/g;
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]{0,4096}\x1b?|[ -/]?)$/;
const LONGEST = 4200;
const LEVELS = [0, 95, 135, 175, 215, 255];
const FLAGS = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const ENDS = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"], 39: ["fg"], 49: ["bg"] };

export class Sgr {
  /** @type {Style | null} */
  #style = null;
  #rest = "";

  /** The runs of the next piece of output. @param {string} piece @returns {Run[]} */
  push(piece) {
    let text = this.#rest + piece;
    this.#rest = "";
    if (!text.includes("\x1b")) return text ? [{ text, style: this.#style }] : [];
    const open = UNFINISHED.exec(text.slice(-LONGEST));
    if (open) {
      this.#rest = open[0];
      text = text.slice(0, text.length - open[0].length);
    }
    return this.#runs(text);
  }

  /** What was kept because more of it could have come. @returns {Run[]} */
  end() {
    const text = this.#rest;
    this.#rest = "";
    return text ? [{ text, style: this.#style }] : [];
  }

  #runs(text) {
    const runs = [];
    let from = 0;
    for (const match of text.matchAll(SEQUENCE)) {
      if (match.index > from) runs.push({ text: text.slice(from, match.index), style: this.#style });
      if (match[2] === "m" && /^[\d;:]*$/.test(match[1])) this.#style = changed(this.#style, match[1]);
      from = match.index + match[0].length;
    }
    if (from < text.length) runs.push({ text: text.slice(from), style: this.#style });
    return runs;
  }
}

/** @param {Style | null} style @param {string} parameters */
function changed(style, parameters) {
  /** @type {any} */
  let next = { ...style };
  const codes = parameters.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at];
    if (code === 0) next = {};
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at + 1);
      at += used;
      if (colour !== undefined) next[code === 38 ? "fg" : "bg"] = colour;
    } else if (code in FLAGS) next[FLAGS[code]] = true;
    else if (code in ENDS) for (const name of ENDS[code]) delete next[name];
    else if (code >= 30 && code <= 37) next.fg = code - 30;
    else if (code >= 90 && code <= 97) next.fg = code - 82;
    else if (code >= 40 && code <= 47) next.bg = code - 40;
    else if (code >= 100 && code <= 107) next.bg = code - 92;
  }
  return Object.keys(next).length ? Object.freeze(next) : null;
}

/** One of 256 colours, or red, green and blue. @returns {[string | number | undefined, number]} the colour, and codes used */
function extended(codes, at) {
  const byte = (value) => Math.min(255, Math.max(0, value || 0));
  if (codes[at] === 5) return [indexed(byte(codes[at + 1])), 2];
  if (codes[at] === 2) return [`rgb(${codes.slice(at + 1, at + 4).map(byte).join(" ")})`, 4];
  return [undefined, 0];
}

function indexed(value) {
  if (value < 16) return value;
  if (value >= 232) return `rgb(${Array(3).fill(8 + (value - 232) * 10).join(" ")})`;
  const cube = value - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((level) => LEVELS[level]).join(" ")})`;
}
