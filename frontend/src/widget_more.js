/** Of `<gexec-snippet>` what only some pages use: programs of several parts, tests, links, coloured output. It comes where it is used. */

import { make } from "./dom.js";
import { verdicts } from "./messages.js";
import { wordsIn } from "./program.js";
import { Sgr } from "./sgr.js";
import { fragmentOf } from "./share.js";
import { seen } from "./visible.js";

export { Sgr };

const STYLES = ["bold", "dim", "italic", "underline", "strike", "inverse"];
const CODE_MARK = "##CODE##";
/** @type {Map<string, string>} what the file of a language is called, by the address that tells it */
const sourceFiles = new Map();

/** The text of an element of the page, whatever kind it is of. */
const textOf = (element) => element.value ?? (element.content ?? element).textContent;
const idsIn = (snippet, name) => (snippet.getAttribute(name) ?? "").split(/\s+/).filter(Boolean).map((id) => id.replace(/^#/, ""));

/** Let what is shown in a shadow root have colours. @param {ShadowRoot} root */
export function colour(root) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(COLOURS);
  root.adoptedStyleSheets.push(sheet);
}

/** Have an element look so. @param {HTMLElement} place @param {any} style */
export function dressed(place, style) {
  for (const name of STYLES) if (style[name]) place.classList.add(name);
  for (const [name, property] of [["fg", "color"], ["bg", "backgroundColor"]]) {
    const colour = style[name];
    if (typeof colour === "number") place.classList.add(name + colour);
    else if (colour !== undefined) place.style[property] = colour;
  }
}

/** What an attribute says, or the element that it names with a #. */
export function textIn(snippet, name) {
  const value = snippet.getAttribute(name) ?? "";
  const element = value.startsWith("#") ? document.getElementById(value.slice(1)) : null;
  return element ? textOf(element) : value;
}

/**
 * The body of POST /api/v1/executions. Raises Error with words for the reader.
 * @param {any} snippet @param {string} stdin @param {string} server @param {Record<string, string>} headers
 */
export async function bodyOf(snippet, stdin, server, headers) {
  const body = { language: snippet.getAttribute("language") ?? "" };
  const files = filesOf(snippet);
  if (files.length || snippet.hasAttribute("file")) {
    body.entrypoint = await nameOf(snippet, server, headers);
    body.files = [{ name: body.entrypoint, content: whole(snippet) }, ...files.map(({ name, text }) => ({ name, content: text }))];
  } else body.source_code = whole(snippet);
  const args = wordsIn(snippet.getAttribute("args") ?? "");
  if (!args) throw new Error("a quote in args is not closed");
  if (args.length) body.args = args;
  const limits = [...(snippet.getAttribute("limits") ?? "").matchAll(/(\w+)[=:]\s*(\d+)/g)].map(([, name, value]) => [name, Number(value)]);
  if (limits.length) body.limits = Object.fromEntries(limits);
  const tests = textIn(snippet, "tests");
  if (tests.trim()) body.tests = testsIn(tests);
  else if (stdin) body.stdin = stdin;
  return body;
}

/** A link to the same program on the server's own page. */
export async function linkTo(snippet, stdin, server, headers) {
  const main = { name: await nameOf(snippet, server, headers), text: whole(snippet) };
  const program = {
    language: snippet.getAttribute("language") ?? "", files: [main, ...filesOf(snippet)], stdin,
    args: snippet.getAttribute("args") ?? "", tests: [], example: "",
  };
  return `${server}/${await fragmentOf(program)}`;
}

/** How each test went. @param {any[]} tests of the execution @param {(name: string) => string} label */
export function rowsOf(tests, label) {
  return tests.map((test) => {
    const { expected, actual } = test.first_difference ?? {};
    const isKnown = expected != null || actual != null;
    const why = isKnown ? `${label("expected")} ${JSON.stringify(expected)}, ${label("printed")} ${JSON.stringify(actual)}` : "";
    return make("tr", {},
      make("th", { scope: "row" }, /^\d+$/.test(test.name) ? `${label("test")} ${test.name}` : seen(test.name)),
      make("td", { className: test.verdict === "passed" ? "good" : "bad" }, verdicts[test.verdict] ?? test.verdict),
      make("td", {}, why));
  });
}

function testsIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("the tests are no JSON");
  }
}

function filesOf(snippet) {
  return idsIn(snippet, "files").map((id) => {
    const element = document.getElementById(id);
    if (!element) throw new Error(`there is no file #${id}`);
    return { name: element.dataset.name || element.id, text: textOf(element) };
  });
}

/** The program, behind those that it depends on, within its template. */
function whole(snippet) {
  const seen = new Set();
  const sources = [];
  const visit = (each) => {
    if (seen.has(each)) return;
    seen.add(each);
    for (const id of idsIn(each, "depends-on")) {
      const other = document.getElementById(id);
      if (!(other instanceof snippet.constructor)) throw new Error(`there is no snippet #${id}`);
      visit(other);
    }
    sources.push(each.source.replace(/\n$/, ""));
  };
  visit(snippet);
  const source = sources.join("\n");
  return snippet.hasAttribute("template") ? textIn(snippet, "template").replaceAll(CODE_MARK, () => source) : source;
}

/** What the main file is called: as the page says, else as the language has it. */
async function nameOf(snippet, server, headers) {
  const given = snippet.getAttribute("file");
  if (given) return given;
  const language = snippet.getAttribute("language") ?? "";
  const address = `${server}/api/v1/languages/${encodeURIComponent(language)}`;
  if (!sourceFiles.has(address)) {
    const response = await fetch(address, { headers });
    if (!response.ok) throw new Error(`the server does not know ${language}`);
    sourceFiles.set(address, (await response.json()).source_file);
  }
  return sourceFiles.get(address) ?? "";
}
