/** Which grammar colours which language; each comes when it is needed. */

import { StreamLanguage } from "@codemirror/language";

/** A grammar of an older kind. @param {Promise<any>} module @param {string} name */
const old = async (module, name) => StreamLanguage.define((await module)[name]);

const typescript = async () => (await import("@codemirror/lang-javascript")).javascript({ typescript: true });

/** @type {Record<string, () => Promise<any>>} */
const MODES = {
  assembly: () => old(import("@codemirror/legacy-modes/mode/gas"), "gas"),
  awk: () => old(import("@codemirror/legacy-modes/mode/perl"), "perl"),
  basic: () => old(import("@codemirror/legacy-modes/mode/vb"), "vb"),
  bash: () => old(import("@codemirror/legacy-modes/mode/shell"), "shell"),
  bun: typescript,
  c: async () => (await import("@codemirror/lang-cpp")).cpp(),
  "c-clang": async () => (await import("@codemirror/lang-cpp")).cpp(),
  clojure: () => old(import("@codemirror/legacy-modes/mode/clojure"), "clojure"),
  cobol: () => old(import("@codemirror/legacy-modes/mode/cobol"), "cobol"),
  commonlisp: () => old(import("@codemirror/legacy-modes/mode/commonlisp"), "commonLisp"),
  cpp: async () => (await import("@codemirror/lang-cpp")).cpp(),
  "cpp-clang": async () => (await import("@codemirror/lang-cpp")).cpp(),
  csharp: () => old(import("@codemirror/legacy-modes/mode/clike"), "csharp"),
  d: () => old(import("@codemirror/legacy-modes/mode/d"), "d"),
  deno: typescript,
  elixir: () => old(import("@codemirror/legacy-modes/mode/ruby"), "ruby"),
  erlang: () => old(import("@codemirror/legacy-modes/mode/erlang"), "erlang"),
  fortran: () => old(import("@codemirror/legacy-modes/mode/fortran"), "fortran"),
  go: async () => (await import("@codemirror/lang-go")).go(),
  groovy: () => old(import("@codemirror/legacy-modes/mode/groovy"), "groovy"),
  haskell: () => old(import("@codemirror/legacy-modes/mode/haskell"), "haskell"),
  java: async () => (await import("@codemirror/lang-java")).java(),
  javascript: async () => (await import("@codemirror/lang-javascript")).javascript(),
  kotlin: () => old(import("@codemirror/legacy-modes/mode/clike"), "kotlin"),
  lua: () => old(import("@codemirror/legacy-modes/mode/lua"), "lua"),
  mariadb: () => MODES.sql(),
  objectivec: () => old(import("@codemirror/legacy-modes/mode/clike"), "objectiveC"),
  ocaml: () => old(import("@codemirror/legacy-modes/mode/mllike"), "oCaml"),
  octave: () => old(import("@codemirror/legacy-modes/mode/octave"), "octave"),
  pascal: () => old(import("@codemirror/legacy-modes/mode/pascal"), "pascal"),
  perl: () => old(import("@codemirror/legacy-modes/mode/perl"), "perl"),
  php: async () => (await import("@codemirror/lang-php")).php(),
  postgresql: () => MODES.sql(),
  pypy: async () => (await import("@codemirror/lang-python")).python(),
  python: async () => (await import("@codemirror/lang-python")).python(),
  r: () => old(import("@codemirror/legacy-modes/mode/r"), "r"),
  racket: () => old(import("@codemirror/legacy-modes/mode/scheme"), "scheme"),
  ruby: () => old(import("@codemirror/legacy-modes/mode/ruby"), "ruby"),
  rust: async () => (await import("@codemirror/lang-rust")).rust(),
  scala: () => old(import("@codemirror/legacy-modes/mode/clike"), "scala"),
  scheme: () => old(import("@codemirror/legacy-modes/mode/scheme"), "scheme"),
  sql: async () => (await import("@codemirror/lang-sql")).sql(),
  swift: () => old(import("@codemirror/legacy-modes/mode/swift"), "swift"),
  tcl: () => old(import("@codemirror/legacy-modes/mode/tcl"), "tcl"),
  typescript,
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
