/** Programs that the server keeps for whoever has their address. What deletes one is kept by the browser that stored it. */

import * as drafts from "./drafts.js";
import { base64, wordsIn } from "./program.js";

const PATH = "/api/v1/snippets";
const MOST_KEPT = 200;

/** @param {string} id */
export const isMine = (id) => Object.hasOwn(drafts.settings.stored ?? {}, id);

/**
 * Store a program; its id, or why it is not stored.
 * @param {import("./program.js").Program} program @param {Record<string, string>} headers
 * @returns {Promise<{id?: string, problem?: string}>}
 */
export async function store(program, headers) {
  const body = {
    language: program.language,
    files: program.files.map(({ name, text, bytes }) => ({ name, content: bytes ? { base64: base64(bytes) } : text })),
    stdin: program.stdin, args: wordsIn(program.args) ?? [],
    tests: program.tests.map(({ name, stdin, expected_stdout }) => ({ name, stdin, expected_stdout })),
  };
  try {
    const response = await fetch(PATH, {
      method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const told = await response.json();
    if (!response.ok) return { problem: told.detail };
    const kept = Object.entries(drafts.settings.stored ?? {}).slice(1 - MOST_KEPT);
    drafts.set({ stored: Object.fromEntries([...kept, [told.id, told.delete_token]]) });
    return { id: told.id };
  } catch (error) {
    return { problem: error.message };
  }
}

/** Delete one that this browser has stored; whether that went well. @param {string} id @param {Record<string, string>} headers */
export async function remove(id, headers) {
  const { [id]: token, ...others } = drafts.settings.stored ?? {};
  try {
    const response = await fetch(`${PATH}/${id}`, { method: "DELETE", headers: { ...headers, "X-Access-Token": token } });
    if (response.ok) drafts.set({ stored: others });
    return response.ok;
  } catch {
    return false;
  }
}
