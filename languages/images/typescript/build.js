// Checks and compiles a TypeScript file and what it imports into /tmp/out. What follows the file are options of tsc.
//
// Node starts this from a snapshot of its heap, taken after one program was compiled: the compiler is loaded, and the
// library's declarations are parsed and bound, so that a run parses and checks the program's own files only.
"use strict";

const v8 = require("node:v8");

const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.NodeJs,
  esModuleInterop: true,
  resolveJsonModule: true,
  skipLibCheck: true,
  skipDefaultLibCheck: true,
  lib: ["lib.es2022.d.ts"],
  types: ["node"],
  typeRoots: ["/usr/share/nodejs/@types"],
  outDir: "/tmp/out",
  inlineSourceMap: true,
};
const LIBRARIES = "/usr/share/nodejs/";
const parsed = new Map();
let host;
let earlier;

function makeHost() {
  host = ts.createCompilerHost(options);
  const read = host.getSourceFile;
  host.getDefaultLibLocation = () => LIBRARIES + "typescript/lib";
  host.getDefaultLibFileName = (used) => LIBRARIES + "typescript/lib/" + ts.getDefaultLibFileName(used);
  host.getSourceFile = (name, ...rest) => {
    if (!name.startsWith(LIBRARIES)) return read(name, ...rest);
    if (!parsed.has(name)) parsed.set(name, read(name, ...rest));
    return parsed.get(name);
  };
}

function compile(main, rootDir, words) {
  host.getCurrentDirectory = () => rootDir;
  const asked = ts.parseCommandLine(words);
  const program = ts.createProgram([main], { ...options, ...asked.options, rootDir }, host, earlier);
  const problems = ts.sortAndDeduplicateDiagnostics([...asked.errors, ...ts.getPreEmitDiagnostics(program)]);
  return { program, problems };
}

function build() {
  const { program, problems } = compile(process.argv[1], process.cwd(), process.argv.slice(2));
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
compile("/build/usual.ts", "/build", []);
v8.startupSnapshot.setDeserializeMainFunction(build);
