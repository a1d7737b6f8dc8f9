/** Characters that have no picture of their own, made visible: the same that the admin shows. */

// Controls, formats (bidirectional ones too), unassigned, private and surrogate ones, separators of lines; and letters,
// marks and symbols that are blank: fillers, variation selectors, the grapheme joiner, the blank Braille pattern.
const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/u;
const EACH = new RegExp(HIDDEN.source, "gu");

/** Whether there is nothing to make visible but ends of lines and tabs. @param {string} text */
export function isPlain(text) {
  // Most text is ASCII, for which this is much quicker.
  return /^[\t\n -~]*$/.test(text) || !HIDDEN.test(text.replace(/[\t\n]/g, ""));
}

/** A hidden character as it is written in programs. @param {string} character */
export function escaped(character) {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/**
 * The text in pieces, each of which is plain or a hidden character.
 * @param {string} text
 * @returns {Generator<{text: string, hidden: boolean}>}
 */
export function* pieces(text) {
  let from = 0;
  for (const match of text.matchAll(EACH)) {
    if (match[0] === "\n" || match[0] === "\t") continue;
    if (match.index > from) yield { text: text.slice(from, match.index), hidden: false };
    yield { text: escaped(match[0]), hidden: true };
    from = match.index + match[0].length;
  }
  if (from < text.length) yield { text: text.slice(from), hidden: false };
}

/** The same in one text, as for a name. @param {string} text */
export const seen = (text) => [...pieces(text)].map((piece) => piece.text).join("");
