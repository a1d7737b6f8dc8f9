/** What this browser keeps: a draft for each language and the settings. Nothing of the output; nothing where it may not. */

import { base64, fromBase64, isName } from "./program.js";

const PREFIX = "gexec:";
const MOST = 256 * 1024;

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    const text = JSON.stringify(value);
    if (text.length <= MOST) localStorage.setItem(PREFIX + key, text);
  } catch {
    // Full, or forbidden: then nothing is kept.
  }
}

/** @param {import("./program.js").Program} program */
export function keep(program) {
  const files = program.files.map(({ name, text, bytes }) => (bytes ? { name, b: base64(bytes) } : { name, text }));
  write(`draft:${program.language}`, { ...program, files });
}

/** @param {string} language @returns {import("./program.js").Program | null} */
export function kept(language) {
  const found = read(`draft:${language}`);
  try {
    const files = found.files.map(({ name, text, b }) => (b === undefined ? { name, text: String(text) } : { name, bytes: fromBase64(b) }));
    if (!files.length || !files.every((file) => isName(file.name))) return null;
    const tests = found.tests.map((test) => ({ name: String(test.name), stdin: String(test.stdin), expected_stdout: String(test.expected_stdout) }));
    return { language, files, stdin: String(found.stdin), args: String(found.args), tests, example: String(found.example) };
  } catch {
    return null;
  }
}

/** @param {string} language */
export function forget(language) {
  try {
    localStorage.removeItem(`${PREFIX}draft:${language}`);
  } catch {
    // There is nothing.
  }
}

const USUAL = { theme: "system", text: 14, tab: 4, wrap: true, width: 55, language: "", tabs: "output", reader: false, stored: {} };

export const settings = { ...USUAL, ...clean(read("settings")) };

/** Change settings, and keep them. @param {Partial<typeof USUAL>} changed */
export function set(changed) {
  Object.assign(settings, changed);
  write("settings", settings);
}

function clean(found) {
  if (!found || typeof found !== "object") return {};
  return Object.fromEntries(Object.entries(found).filter(([name, value]) => typeof value === typeof USUAL[name]));
}
