/** Which grammar colours which language; each comes when it is needed. */

import { StreamLanguage } from "@codemirror/language";

/** A grammar of an older kind. @param {Promise<any>} module @param {string} name */
const old = async (module, name) => StreamLanguage.define((await module)[name]);

const typescript = async () => (await import("@codemirror/lang-javascript")).javascript({ typescript: true });

/** @type {Record<string, () => Promise<any>>} */
const MODES = {
  csharp: () => old(import("@codemirror/legacy-modes/mode/clike"), "csharp"),
  kotlin: () => old(import("@codemirror/legacy-modes/mode/clike"), "kotlin"),
  objectivec: () => old(import("@codemirror/legacy-modes/mode/clike"), "objectiveC"),
  scala: () => old(import("@codemirror/legacy-modes/mode/clike"), "scala"),
  clojure: () => old(import("@codemirror/legacy-modes/mode/clojure"), "clojure"),
  cobol: () => old(import("@codemirror/legacy-modes/mode/cobol"), "cobol"),
  commonlisp: () => old(import("@codemirror/legacy-modes/mode/commonlisp"), "commonLisp"),
  d: () => old(import("@codemirror/legacy-modes/mode/d"), "d"),
  erlang: () => old(import("@codemirror/legacy-modes/mode/erlang"), "erlang"),
  fortran: () => old(import("@codemirror/legacy-modes/mode/fortran"), "fortran"),
  assembly: () => old(import("@codemirror/legacy-modes/mode/gas"), "gas"),
  groovy: () => old(import("@codemirror/legacy-modes/mode/groovy"), "groovy"),
  haskell: () => old(import("@codemirror/legacy-modes/mode/haskell"), "haskell"),
  lua: () => old(import("@codemirror/legacy-modes/mode/lua"), "lua"),
  ocaml: () => old(import("@codemirror/legacy-modes/mode/mllike"), "oCaml"),
  octave: () => old(import("@codemirror/legacy-modes/mode/octave"), "octave"),
  pascal: () => old(import("@codemirror/legacy-modes/mode/pascal"), "pascal"),
  awk: () => old(import("@codemirror/legacy-modes/mode/perl"), "perl"),
  perl: () => old(import("@codemirror/legacy-modes/mode/perl"), "perl"),
  r: () => old(import("@codemirror/legacy-modes/mode/r"), "r"),
  elixir: () => old(import("@codemirror/legacy-modes/mode/ruby"), "ruby"),
  ruby: () => old(import("@codemirror/legacy-modes/mode/ruby"), "ruby"),
  racket: () => old(import("@codemirror/legacy-modes/mode/scheme"), "scheme"),
  scheme: () => old(import("@codemirror/legacy-modes/mode/scheme"), "scheme"),
  bash: () => old(import("@codemirror/legacy-modes/mode/shell"), "shell"),
  swift: () => old(import("@codemirror/legacy-modes/mode/swift"), "swift"),
  tcl: () => old(import("@codemirror/legacy-modes/mode/tcl"), "tcl"),
  basic: () => old(import("@codemirror/legacy-modes/mode/vb"), "vb"),
  c: async () => (await import("@codemirror/lang-cpp")).cpp(),
  "c-clang": async () => (await import("@codemirror/lang-cpp")).cpp(),
  cpp: async () => (await import("@codemirror/lang-cpp")).cpp(),
  "cpp-clang": async () => (await import("@codemirror/lang-cpp")).cpp(),
  go: async () => (await import("@codemirror/lang-go")).go(),
  java: async () => (await import("@codemirror/lang-java")).java(),
  javascript: async () => (await import("@codemirror/lang-javascript")).javascript(),
  typescript,
  bun: typescript,
  deno: typescript,
  php: async () => (await import("@codemirror/lang-php")).php(),
  pypy: async () => (await import("@codemirror/lang-python")).python(),
  python: async () => (await import("@codemirror/lang-python")).python(),
  rust: async () => (await import("@codemirror/lang-rust")).rust(),
  sql: async () => (await import("@codemirror/lang-sql")).sql(),
  mariadb: () => MODES.sql(),
  postgresql: () => MODES.sql(),
};

/** The extension for a language; nothing for one that has none. @param {string} family */
export async function modeOf(family) {
  const load = Object.hasOwn(MODES, family) ? MODES[family] : null;
  try {
    return load ? await load() : [];
  } catch {
    // Without it the program can be written and run as well.
    return [];
  }
}
