// Builds the page's modules into pages/static/pages/, with a hash in each name, a manifest, and gzip beside each file.
// `node build.mjs DIRECTORY` builds elsewhere, for the test that compares.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "pages", "static", "pages", "built");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// xterm.js has its styles in elements and attributes, which the page's policy refuses: elsewhere they are as good.
const XTERM = [
  [/[\w.]+\.createElement\("style"\)/g, "adoptedStyle()", 3],
  [/(\w)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{(\w)\};`\)/g, "$1.style.cssText+=$2+';'", 1],
];
const withoutInlineStyles = {
  name: "without-inline-styles",
  setup: ({ onLoad }) => onLoad({ filter: /xterm\.mjs$/ }, ({ path }) => {
    let contents = readFileSync(path, "utf8");
    for (const [what, instead, times] of XTERM) {
      if ([...contents.matchAll(what)].length !== times) throw new Error(`another xterm.js: ${what}`);
      contents = contents.replace(what, instead);
    }
    return { contents: `import { adoptedStyle } from ${JSON.stringify(join(here, "src/sheets.js"))};\n${contents}`, loader: "js" };
  }),
};

const usual = {
  absWorkingDir: here,
  outdir: out,
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  minify: true,
  legalComments: "none",
};
const { metafile } = await build({
  ...usual,
  entryPoints: ["src/play.js", "src/play.css"],
  splitting: true,
  entryNames: "[name]-[hash]",
  chunkNames: "c/[name]-[hash]",
  metafile: true,
  plugins: [withoutInlineStyles],
});

const made = Object.entries(metafile.outputs).map(([path, output]) => ({
  name: relative(out, join(here, path)).replaceAll("\\", "/"), ...output,
}));
const named = (entryPoint) => made.find((output) => output.entryPoint === entryPoint);
const statics = (output) => output.imports.filter(({ kind }) => kind === "import-statement")
  .map(({ path }) => made.find((each) => each.name === relative(out, join(here, path)))).flatMap((each) => [each, ...statics(each)]);

const play = named("src/play.js");
const editor = named("src/editor.js");
// What the page needs before it can be worked with: the browser asks for all of it at once.
const first = [...new Set([play, editor].flatMap((output) => [...statics(output), output]).map(({ name }) => name))]
  .filter((name) => name !== play.name).sort();
const place = (name) => `pages/built/${name}`;
// These are one script each, and find what comes when it is needed by its address on the server.
const alone = { ...usual, entryNames: "[name]-[hash]", external: ["/static/*"], metafile: true };
const address = (name) => JSON.stringify(`/static/${place(name)}`);
const nameIn = ({ metafile: { outputs } }) => relative(out, join(here, Object.keys(outputs)[0]));
const looks = async (name) => {
  const { code } = await transform(readFileSync(join(here, "src", name), "utf8"), { loader: "css", minify: true, target: usual.target });
  return JSON.stringify(code.trim());
};
const more = nameIn(await build({ ...alone, define: { COLOURS: await looks("widget_colours.css") }, entryPoints: ["src/widget_more.js"] }));
const define = { EDITOR_PATH: address(editor.name), MORE_PATH: address(more), LOOKS: await looks("widget.css") };
const embed = nameIn(await build({ ...alone, define, entryPoints: ["src/embed_page.js"] }));
// Pages of others name this one, so its name stays. What is in at_root/ is served at the root.
await build({ ...alone, define, entryPoints: [{ in: "src/widget.js", out: "v1" }], entryNames: "at_root/embed/[name]" });
const manifest = { play: place(play.name), style: place(named("src/play.css").name), first: first.map(place), embed: place(embed) };
writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

// The licenses of what is in the bundle ask to come with it.
const packages = new Set(Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean));
const licenses = [...packages].sort().map((name) => {
  const text = readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").trim();
  return `${name}\n\n${text}\n`;
});
writeFileSync(join(out, "LICENSES.txt"), licenses.join(`\n${"-".repeat(80)}\n\n`));

for (const name of readdirSync(out, { recursive: true })) {
  const path = join(out, String(name));
  if (!statSync(path).isFile() || !/\.(js|css)$/.test(path)) continue;
  const packed = gzipSync(readFileSync(path), { level: 9 });
  // The operating system that packed it, which differs between machines.
  packed[9] = 255;
  writeFileSync(`${path}.gz`, packed);
}
