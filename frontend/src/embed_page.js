/**
 * The page that others frame: one `<gexec-snippet>` as the address asks for, and messages to and from the page around it.
 * Only pages that the key's client lists can frame it; only with the one around it is there any talk.
 */

import { byId, make } from "./dom.js";
import { lineOf, wordsIn } from "./program.js";
import { BadLink, programIn } from "./share.js";
import "./widget.js";

const DATA = JSON.parse(byId("data").textContent);

/** The program in the fragment of the address; nothing where there is none, or a broken one. */
async function programHere() {
  try {
    return await programIn(location.hash);
  } catch (error) {
    if (!(error instanceof BadLink)) throw error;
    byId("problem").hidden = false;
    return null;
  }
}

/** The origin of the page around this one: null where it is none that may talk. */
function around() {
  if (parent === window) return null;
  const known = location.ancestorOrigins?.[0] ?? originOf(document.referrer);
  return DATA.origins.includes(known) ? known : null;
}

function originOf(address) {
  try {
    return new URL(address).origin;
  } catch {
    return null;
  }
}

async function begin() {
  const asked = new URLSearchParams(location.search);
  const program = await programHere();
  const [main, ...others] = program?.files ?? [];
  const files = others.filter((file) => file.text !== undefined);
  const hidden = (asked.get("hide") ?? "").split(/[\s,]+/);
  const attributes = {
    language: program?.language ?? asked.get("lang") ?? "python",
    key: DATA.key,
    editor: asked.get("editor") ?? "on",
    theme: asked.get("theme"),
    stdin: program?.stdin ? "#stdin" : null,
    args: program ? lineOf(wordsIn(program.args) ?? []) || null : null,
    file: files.length ? main.name : null,
    files: files.map((_file, at) => `file-${at}`).join(" ") || null,
    tests: program?.tests.length ? "#tests" : null,
    actions: ["run", "reset", "copy", "share"].filter((name) => !hidden.includes(name)).join(" "),
    show: `${hidden.includes("input") ? "" : "input"} ${asked.get("show") ?? ""}`,
  };
  const data = (id, text, name = "") => make("pre", { hidden: true, id, "data-name": name }, text);
  document.body.append(...files.map((file, at) => data(`file-${at}`, file.text, file.name)));
  if (program?.stdin) document.body.append(data("stdin", program.stdin));
  if (program?.tests.length) document.body.append(data("tests", JSON.stringify(program.tests)));
  const snippet = make("gexec-snippet", { token: DATA.token }, make("pre", {}, make("code", {}, main?.text ?? "")));
  for (const [name, value] of Object.entries(attributes)) if (value !== null) snippet.setAttribute(name, value);
  document.querySelector("main").append(snippet);
  talk(snippet);
}

/** What is told to the page around, and what it may ask for. @param {any} snippet */
function talk(snippet) {
  const origin = around();
  if (!origin) return;
  const tell = (gexec, detail) => parent.postMessage({ gexec, ...detail }, origin);
  for (const name of ["run", "output", "change"]) snippet.addEventListener(`gexec-${name}`, ({ detail }) => tell(name, detail));
  snippet.addEventListener("gexec-result", ({ detail }) => tell("result", { execution: detail }));
  snippet.addEventListener("gexec-error", ({ detail }) => tell("error", { problem: detail }));
  addEventListener("message", ({ source, origin: from, data }) => {
    if (source !== parent || from !== origin || typeof data?.gexec !== "string") return;
    if (data.gexec === "set" && typeof data.source === "string") snippet.source = data.source;
    else if (["run", "stop", "reset"].includes(data.gexec)) snippet[data.gexec]();
  });
  // How high it is, for who wants the frame to be as high.
  new ResizeObserver(() => tell("height", { height: document.documentElement.scrollHeight })).observe(document.body);
  tell("ready", {});
}

begin();
