// Checks and compiles a TypeScript file and what it imports into /tmp/out. What follows the file are options of tsc.
//
// Node starts this from a snapshot of its heap, taken after one program was compiled: the compiler is loaded, and the
// library's declarations are parsed and bound, so that a run parses and checks the program's own files only.
"use strict";

const v8 = require("node:v8");

const options = {
  target: ts.ScriptTarget.ES2025,
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  // A file without imports is none of the others' concern, nor that of names which browsers have: name, status, top.
  moduleDetection: ts.ModuleDetectionKind.Force,
  resolveJsonModule: true,
  skipLibCheck: true,
  ignoreDeprecations: "6.0",
  skipDefaultLibCheck: true,
  types: ["node"],
  typeRoots: ["/usr/local/lib/node_modules/@types", "/node_modules/@types"],
  outDir: "/tmp/out",
  inlineSourceMap: true,
};
const LIBRARIES = "/usr/local/lib/node_modules/";
const PACKAGES = "/node_modules/";
// Programs of tests have the types of describe, it and expect, others do not pay for them.
const TESTS = { types: ["node", "jest", "words-of-tests"] };
const OF_TESTS = /\b(describe|it|test|expect)\s*[.(]/;
// Await, for await, and await using outside of functions.
const WANTS_A_MODULE = new Set([1378, 1432, 2854]);
const parsed = new Map();
let host;
let earlier;

function makeHost() {
  host = ts.createCompilerHost(options);
  const read = host.getSourceFile;
  host.getDefaultLibLocation = () => LIBRARIES + "typescript/lib";
  host.getDefaultLibFileName = (used) => LIBRARIES + "typescript/lib/" + ts.getDefaultLibFileName(used);
  host.getSourceFile = (name, ...rest) => {
    if (!name.startsWith(LIBRARIES) && !name.startsWith(PACKAGES)) return read(name, ...rest);
    if (!parsed.has(name)) parsed.set(name, read(name, ...rest));
    return parsed.get(name);
  };
}

function compile(main, rootDir, words, more = {}) {
  host.getCurrentDirectory = () => rootDir;
  const asked = ts.parseCommandLine(words);
  const program = ts.createProgram([main], { ...options, ...more, ...asked.options, rootDir }, host, earlier);
  const problems = ts.sortAndDeduplicateDiagnostics([...asked.errors, ...ts.getPreEmitDiagnostics(program)]);
  return { program, problems };
}

function build() {
  const [, main, ...words] = process.argv;
  const files = [main, ...ts.sys.readDirectory(process.cwd(), [".ts", ".tsx", ".mts", ".cts"])];
  const more = files.some((file) => OF_TESTS.test(ts.sys.readFile(file) ?? "")) ? TESTS : {};
  let { program, problems } = compile(main, process.cwd(), words, more);
  if (problems.some((one) => WANTS_A_MODULE.has(one.code))) {
    ({ program, problems } = compile(main, process.cwd(), words, { ...more, module: ts.ModuleKind.ESNext }));
    ts.sys.writeFile("/tmp/out/package.json", '{"type": "module"}');
  }
  program.emit();
  if (problems.length > 0) {
    process.stderr.write(
      ts.formatDiagnostics(problems, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => process.cwd(),
        getNewLine: () => "\n",
      }),
    );
  }
  process.exit(problems.some((one) => one.category === ts.DiagnosticCategory.Error) ? 1 : 0);
}

makeHost();
compile("/build/usual.ts", "/build", [], TESTS);
v8.startupSnapshot.setDeserializeMainFunction(build);
