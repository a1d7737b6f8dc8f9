/**
 * A program: its files, what it is given, its tests. Files are text, or bytes where they are none.
 * @typedef {{name: string, text?: string, bytes?: Uint8Array}} File
 * @typedef {{name: string, stdin: string, expected_stdout: string}} Test
 * @typedef {{language: string, files: File[], stdin: string, args: string, tests: Test[], example: string}} Program
 */

export const MOST_FILES = 100;
export const MOST_TESTS = 500;
const NAME = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\s\/\\\x00-\x1f\x7f][^\\\x00-\x1f\x7f]{0,199}$/;

/** Whether a file may be called so. @param {string} name */
export const isName = (name) => NAME.test(name) && !name.endsWith("/") && !name.includes("//") && name === name.trim();

/** @param {File} file */
export const bytesOf = (file) => file.bytes ?? new TextEncoder().encode(file.text ?? "");

/** Bytes in base64. @param {Uint8Array} bytes */
export function base64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}

/** @param {string} text */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** A file of these bytes: text where they are UTF-8 without NUL. @param {string} name @param {Uint8Array} bytes @returns {File} */
export function fileOf(name, bytes) {
  if (!bytes.includes(0)) {
    try {
      return { name, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
    } catch {
      // No text.
    }
  }
  return { name, bytes };
}

/** Words of a command line, as a shell takes them apart; null where a quote is open. @param {string} line */
export function wordsIn(line) {
  const found = [];
  let word = null;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const character = line[at];
    if (quote) {
      if (character === quote) quote = "";
      else if (character === "\\" && quote === '"' && /["\\]/.test(line[at + 1] ?? "")) word += line[++at];
      else word += character;
    } else if (/\s/.test(character)) {
      if (word !== null) found.push(word);
      word = null;
    } else {
      word ??= "";
      if (character === "'" || character === '"') quote = character;
      else if (character === "\\") {
        if (at + 1 === line.length) return null;
        word += line[++at];
      } else word += character;
    }
  }
  if (quote) return null;
  if (word !== null) found.push(word);
  return found;
}

/** The command line of these words. @param {string[]} list */
export const lineOf = (list) => list.map((word) => (/^[\w@%+=:,.\/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)).join(" ");

/** The body of POST /api/v1/executions. @param {Program} program @param {string} sourceFile of the language @param {boolean} withTests */
export function bodyOf(program, sourceFile, withTests) {
  const { files } = program;
  const only = files.length === 1 && files[0].name === sourceFile && files[0].text !== undefined;
  const body = { language: program.language };
  if (only) body.source_code = files[0].text;
  else {
    body.files = files.map((file) => ({ name: file.name, content: file.text ?? { base64: base64(bytesOf(file)) } }));
    if (!files.some((file) => file.name === sourceFile)) body.entrypoint = files[0].name;
  }
  if (!withTests && program.stdin) body.stdin = program.stdin;
  const args = wordsIn(program.args) ?? [];
  if (args.length) body.args = args;
  if (withTests) {
    body.tests = program.tests.map((test) => ({
      ...(test.name ? { name: test.name } : {}), stdin: test.stdin, expected_stdout: test.expected_stdout,
    }));
  }
  return body;
}
