/**
 * A program in the fragment of a link, which never reaches a server: `#1` and base64url of deflated JSON. What comes in
 * such a link is a stranger's: it is read within bounds and checked, and never run by itself.
 */

import { base64, fromBase64, isName, MOST_FILES, MOST_TESTS } from "./program.js";

const VERSION = "1";
const MOST_IN = 64 * 1024;
const MOST_OUT = 1024 * 1024;

/** Why a link could not be read: unreadable, unknown_version, too_large. */
export class BadLink extends Error {}

/** @param {import("./program.js").Program} program @returns {Promise<string>} with the # */
export async function fragmentOf(program) {
  const told = {
    l: program.language,
    f: program.files.map((file) => [file.name, file.text ?? { b: base64(file.bytes ?? new Uint8Array()) }]),
    i: program.stdin || undefined,
    a: program.args || undefined,
    t: program.tests.length ? program.tests.map((test) => [test.name, test.stdin, test.expected_stdout]) : undefined,
  };
  const stream = new Blob([JSON.stringify(told)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  return `#${VERSION}${base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** The program in a fragment; null where there is none. Raises BadLink. @param {string} fragment */
export async function programIn(fragment) {
  const text = fragment.replace(/^#/, "");
  if (!/^\d/.test(text)) return null;
  if (!text.startsWith(VERSION)) throw new BadLink("unknown_version");
  if (text.length > MOST_IN) throw new BadLink("too_large");
  if (!/^[\w-]*$/.test(text)) throw new BadLink("unreadable");
  let told;
  try {
    const bytes = fromBase64(text.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
    told = JSON.parse(await inflated(bytes));
  } catch (error) {
    throw error instanceof BadLink ? error : new BadLink("unreadable");
  }
  return checked(told);
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MOST_OUT) {
      reader.cancel().catch(() => {});
      throw new BadLink("too_large");
    }
    parts.push(value);
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await new Blob(parts).arrayBuffer());
}

const isText = (value) => typeof value === "string";

function checked(told) {
  const good =
    told && typeof told === "object" && isText(told.l) && told.l.length <= 64 &&
    Array.isArray(told.f) && told.f.length > 0 && told.f.length <= MOST_FILES && told.f.every(isFile) &&
    new Set(told.f.map(([name]) => name)).size === told.f.length &&
    isText(told.i ?? "") && isText(told.a ?? "") &&
    Array.isArray(told.t ?? []) && (told.t ?? []).length <= MOST_TESTS && (told.t ?? []).every(isTest);
  if (!good) throw new BadLink("unreadable");
  return {
    language: told.l,
    files: told.f.map(([name, content]) => (isText(content) ? { name, text: content } : { name, bytes: fromBase64(content.b) })),
    stdin: told.i ?? "",
    args: told.a ?? "",
    tests: (told.t ?? []).map(([name, stdin, expected_stdout]) => ({ name, stdin, expected_stdout })),
    example: "",
  };
}

function isFile(file) {
  if (!Array.isArray(file) || !isText(file[0]) || !isName(file[0])) return false;
  return isText(file[1]) || (isText(file[1]?.b) && /^[\w+\/]*={0,2}$/.test(file[1].b) && file[1].b.length % 4 === 0);
}

const isTest = (test) => Array.isArray(test) && test.length === 3 && test.every(isText);
