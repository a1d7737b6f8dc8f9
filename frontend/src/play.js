/** The page at /: one program, its run, and all that is around them. */

import { byId, button, copy, copyButton, dialog, make, save } from "./dom.js";
import * as drafts from "./drafts.js";
import { FilesBar } from "./files_bar.js";
import { applySettings, keysDialog, modKey, nextPart, settingsDialog, splitter, Tabs } from "./layout.js";
import { duration, size, words } from "./messages.js";
import { Output } from "./output.js";
import { finder } from "./places.js";
import { PlainEditor } from "./plain_editor.js";
import { bodyOf, bytesOf, fromBase64, lineOf } from "./program.js";
import { Run } from "./runner.js";
import { titleOf } from "./endings.js";
import { BadLink, fragmentOf, programIn } from "./share.js";
import { TestsPanel } from "./tests_panel.js";
import { seen } from "./visible.js";

const DRAFT_MS = 500;
const API_MS = 150;
const CHATS_CUT = 2000;
const LINK_MOST = 8000;
const MARKED_CHARACTERS = 50_000;
const EXAMPLES = "/examples/";
/** The cause of an end that the page has asked for. */
const ON_REQUEST = "on request";

class Play {
  #data = JSON.parse(byId("data").textContent);
  /** @type {import("./program.js").Program} */
  #program;
  #current = 0;
  /** @type {any} */
  #editor;
  #host = byId("editor");
  #beginnings = this.#data.beginnings;
  #find = finder("", () => []);
  #tabs = new Tabs(byId("tabs"));
  /** @type {Record<string, number[]>} lines by file that the last run has complained of */
  #marks = {};
  /** @type {Run | null} */
  #run = null;
  /** Whether the call that does the same has the tests in it: as the last run, and before it. */
  #withTests = true;
  #clock = 0;
  #draftTimer = 0;
  #apiTimer = 0;
  #blockedUntil = 0;
  #output = new Output(byId("output-box"), (text) => this.#find(text), (file, line, column) => this.#goTo(file, line, column));
  /** @type {any} once its tab was shown, as the other one */
  #terminal = null;
  /** @type {any} */
  #api = null;
  #files = new FilesBar(byId("files"), byId("program"), {
    files: () => this.#program.files,
    current: () => this.#current,
    show: (index) => this.#show(index),
    change: (files, show) => this.#change(files, show),
    say: (text, undo) => this.#say(text, undo),
    title: () => `gexec-${this.#program.language}`,
    most: this.#data.max_source_bytes,
  });
  #tests = new TestsPanel(byId("panel-tests"), {
    tests: () => this.#program.tests,
    changed: () => this.#changed(),
    run: () => this.#start(true),
  });

  async begin() {
    document.documentElement.classList.add("js");
    for (const part of document.querySelectorAll(".script:not(.panel)")) part.removeAttribute("hidden");
    for (const part of document.querySelectorAll(".plain")) part.setAttribute("hidden", "");
    byId("sources").remove();
    this.#editor = new PlainEditor(this.#host, this.#listener);
    applySettings(this.#editor);
    splitter(byId("splitter"));
    this.#listen();
    this.#tools();
    byId("run-button").querySelector("kbd").textContent = `${modKey} ↵`;
    if (!this.#language) return this.#say(words.no_language);
    this.#take(this.#begun());
    const loading = this.#loadEditor();
    await this.#open();
    await loading;
  }

  get #listener() {
    return { changed: (name, text) => this.#typed(name, text) };
  }

  get #language() {
    const slug = this.#program?.language ?? this.#data.language;
    return this.#data.languages.find((language) => language.slug === slug);
  }

  /** What the server has put into the page. */
  #begun() {
    const name = byId("example").value || "hello";
    return this.#exampleCalled(name);
  }

  #exampleCalled(name) {
    const example = this.#beginnings.examples.find((each) => each.name === name) ?? this.#beginnings.examples[0];
    return {
      language: this.#beginnings.slug,
      files: example.files.map(({ name, content }) => ({ name, text: content })),
      stdin: example.stdin,
      args: lineOf(example.args),
      tests: example.tests.map((test) => ({ ...test })),
      example: example.name,
    };
  }

  /** What the address asks for: a program in its fragment, a language, an example; else what was there last. */
  async #open() {
    const asked = new URLSearchParams(location.search);
    if (/^#\d/.test(location.hash)) return this.#openLink();
    if (this.#data.snippet) return this.#openStored(this.#data.snippet);
    if (!asked.has("lang") && drafts.settings.language) await this.#choose(drafts.settings.language);
    else if (!asked.has("example")) this.#useDraft();
  }

  /** A program that the server has for whoever has its address; who stored it may delete it. */
  async #openStored({ id, files, stdin, args, tests }) {
    const language = this.#beginnings.slug;
    const taken = files.map(({ name, content }) => (typeof content === "string" ? { name, text: content } : { name, bytes: fromBase64(content.base64) }));
    this.#take({ language, files: taken, stdin, args: lineOf(args), tests, example: "" });
    byId("example").selectedIndex = -1;
    const draft = drafts.kept(language);
    if ((await this.#stored())?.isMine(id)) this.#say(words.share.yours, () => this.#unstore(id), words.share.remove);
    else this.#say(words.share.from_link, draft ? () => this.#take(draft) : undefined, words.share.back);
  }

  /** What the first view does not need; nothing, and a word, where it cannot be had. */
  async #stored() {
    try {
      return await import("./stored.js");
    } catch {
      this.#say(words.offline);
    }
  }

  async #unstore(id) {
    const stored = await this.#stored();
    if (stored) this.#say((await stored.remove(id, this.#headers())) ? words.share.removed : words.share.not_removed);
  }

  async #openLink() {
    let program;
    try {
      program = await programIn(location.hash);
    } catch (error) {
      if (!(error instanceof BadLink)) throw error;
      return this.#say(words.share[error.message]);
    }
    if (!program) return;
    const known = this.#data.languages.find((language) => language.slug === program.language);
    if (!known) return this.#say(words.share.unknown_language(program.language.replace(/[^\w@.+-]/g, "?")));
    await this.#choose(program.language, false);
    this.#take(program);
    byId("example").selectedIndex = -1;
    const draft = drafts.kept(program.language);
    this.#say(words.share.from_link, draft ? () => this.#take(draft) : undefined, words.share.back);
  }

  /** Go over to a language. @param {string} slug @param {boolean} [withDraft] */
  async #choose(slug, withDraft = true) {
    if (!this.#data.languages.some((language) => language.slug === slug)) return;
    if (this.#beginnings.slug !== slug) {
      try {
        const response = await fetch(EXAMPLES + encodeURIComponent(slug), { headers: this.#headers() });
        if (!response.ok) throw new TypeError("no examples");
        this.#beginnings = await response.json();
      } catch {
        byId("language").value = this.#program.language;
        return this.#say(words.offline);
      }
    }
    byId("language").value = slug;
    byId("example").replaceChildren(
      ...this.#beginnings.examples.map(({ name, title }) => make("option", { value: name }, title)),
    );
    this.#find = finder(this.#beginnings.error_pattern, () => this.#program.files.map((file) => file.name));
    this.#take(this.#exampleCalled("hello"));
    if (withDraft) this.#useDraft();
  }

  #useDraft() {
    const draft = drafts.kept(this.#program.language);
    if (!draft) return;
    this.#take(draft);
    byId("example").selectedIndex = -1;
    this.#say(words.draft.yours, () => this.#reset(), words.draft.reset);
  }

  #reset() {
    const before = this.#copied();
    drafts.forget(before.language);
    this.#take(this.#exampleCalled(before.example));
    byId("example").value = this.#program.example;
    this.#say(words.draft.was_reset, () => this.#takeBack(before));
  }

  #takeBack(program) {
    this.#take(program);
    byId("example").selectedIndex = -1;
    drafts.keep(program);
  }

  #copied() {
    return { ...this.#program, files: [...this.#program.files], tests: this.#program.tests.map((test) => ({ ...test })) };
  }

  /** Put a program in the place of the one that is there. */
  #take(program) {
    clearTimeout(this.#draftTimer);
    this.#program = program;
    this.#current = 0;
    this.#marks = {};
    this.#find = finder(this.#beginnings.error_pattern, () => this.#program.files.map((file) => file.name));
    byId("stdin").value = program.stdin;
    byId("args").value = program.args;
    this.#editor.clear();
    this.#show(0);
    this.#editor.colour(this.#language?.family ?? "");
    this.#tests.draw();
    this.#api?.draw();
    this.#hush();
  }

  /** Show a file. @param {number} index */
  #show(index) {
    this.#current = index;
    const file = this.#program.files[index];
    this.#files.draw();
    const binary = byId("binary");
    binary.hidden = file.text !== undefined;
    this.#host.hidden = file.text === undefined;
    if (file.text === undefined) {
      binary.textContent = words.files.binary_long(seen(file.name), bytesOf(file).length);
      return;
    }
    this.#editor.show(file.name, file.text, words.source(this.#language?.name ?? "", file.name));
    this.#editor.mark(this.#marks[file.name] ?? []);
  }

  #change(files, show) {
    this.#program.files = files;
    this.#show(show);
    this.#changed();
    this.#hush();
  }

  #typed(name, text) {
    const file = this.#program.files[this.#current];
    if (file.name !== name || file.text === undefined) return;
    this.#program.files[this.#current] = { name, text };
    this.#changed();
  }

  #changed() {
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => this.#keep(), DRAFT_MS);
    clearTimeout(this.#apiTimer);
    this.#apiTimer = setTimeout(() => this.#api?.draw(), API_MS);
  }

  #keep() {
    clearTimeout(this.#draftTimer);
    this.#draftTimer = 0;
    drafts.keep(this.#program);
    // The address named a link or an example, and this is none any more: a reload finds the draft.
    if (location.hash || new URLSearchParams(location.search).has("example")) this.#named();
  }

  async #loadEditor() {
    let Editor;
    try {
      ({ Editor } = await import("./editor.js"));
    } catch {
      // The plain field does.
      return;
    }
    const plain = this.#editor;
    const { hasFocus, position } = plain;
    plain.remove();
    this.#editor = new Editor(this.#host, this.#listener);
    applySettings(this.#editor);
    this.#show(this.#current);
    this.#editor.colour(this.#language?.family ?? "");
    this.#host.dataset.ready = "true";
    if (hasFocus) {
      const before = (this.#program.files[this.#current].text ?? "").slice(0, position).split("\n");
      this.#editor.goTo(before.length, (before.at(-1) ?? "").length + 1);
    }
  }

  #goTo(file, line, column) {
    const index = this.#program.files.findIndex((each) => each.name === file);
    if (index < 0) return;
    if (index !== this.#current) this.#show(index);
    this.#editor.goTo(line, column || 1);
  }

  #headers() {
    const headers = {};
    if (this.#data.token) headers["X-Page-Token"] = this.#data.token;
    const key = byId("key")?.value.trim();
    if (key) headers.Authorization = `Api-Key ${key}`;
    return headers;
  }

  #call() {
    const body = bodyOf(this.#program, this.#language?.source_file ?? "", this.#withTests && this.#program.tests.length > 0);
    return { url: `${location.origin}/api/v1/executions`, body, withKey: this.#data.needs_key };
  }

  /** What the first view does not need comes with its tab. */
  async #fill(tab) {
    try {
      if (tab === "api") {
        const { ApiPanel } = await import("./api_panel.js");
        this.#api ??= new ApiPanel(byId("panel-api"), () => this.#call());
        this.#api.draw();
      } else if (tab === "terminal") {
        const { TerminalPanel } = await import("./terminal_panel.js");
        this.#terminal ??= new TerminalPanel(byId("panel-terminal"), this.#data.interactive);
      }
    } catch {
      this.#say(words.offline);
    }
  }

  // A run

  async #start(withTests) {
    if (this.#tabs.current === "terminal") await this.#fill("terminal");
    if (this.#run || performance.now() < this.#blockedUntil || !this.#language) return;
    if (withTests && !this.#program.tests.length) return this.#tabs.show("tests");
    if (this.#data.needs_key && !byId("key")?.value) {
      this.#tabs.show("input");
      byId("key").focus();
      return this.#state(words.needs_key, "bad");
    }
    this.#withTests = withTests;
    const where = withTests ? "tests" : this.#tabs.current === "terminal" && this.#terminal?.isOffered ? "terminal" : "output";
    this.#tabs.show(where);
    if (where !== "terminal") this.#output.clear();
    this.#facts(null);
    this.#marks = {};
    this.#editor.mark([]);
    if (withTests) this.#tests.begin();
    byId("status").textContent = "";
    byId("run-button").disabled = byId("run-tests").disabled = true;
    byId("stop-button").disabled = false;
    const run = where === "terminal"
      ? this.#terminal.run(this.#toldOfTerminal(), this.#headers())
      : new Run(this.#told(where), this.#headers());
    this.#run = run;
    const body = bodyOf(this.#program, this.#language.source_file, withTests);
    // There it is typed.
    if (where === "terminal") delete body.stdin;
    await run.start(body);
  }

  /** As #told, of one whose output is shown in the terminal. @returns {import("./runner.js").Listener} */
  #toldOfTerminal() {
    const told = this.#told("terminal");
    let warned = false;
    return {
      ...told,
      state: (name, data = {}) => {
        if (name === "away") return this.#state(words.terminal.away(data.left_s), "busy");
        if (name !== "running") return told.state(name, data);
        const silent = data.silent_s !== null;
        this.#state(silent ? words.terminal.silent(data.silent_s) : words.running(data.ms), silent ? "warn" : "busy");
        if (silent && !warned) byId("status").textContent = words.terminal.silent_said(data.silent_s);
        warned = silent;
      },
      ended: (ending) => {
        told.ended(ending);
        this.#terminal.end(byId("state").firstChild?.textContent ?? "");
      },
    };
  }

  /** What is shown of a run, as it is told. @returns {import("./runner.js").Listener} */
  #told(where) {
    const withTests = where === "tests";
    const total = this.#program.tests.length;
    let done = 0;
    let printed = false;
    return {
      state: (name, data = {}) => {
        if (name === "running" && where === "output") return this.#ticks();
        clearInterval(this.#clock);
        const said = {
          sending: () => words.sending,
          waiting: () => words.waiting(data.position),
          started: () => (withTests ? words.testing(done, total) : words.sending),
          compiling: () => words.compiling,
          running: () => words.testing(done, total),
          stopping: () => words.stopping,
          resuming: () => words.resuming,
          busy: () => words.busy(data.wait_s),
          restarted: () => words.started_again,
        }[name];
        if (name === "restarted") this.#output.clear();
        if (said) this.#state(said(), "busy");
      },
      output: (stream, text) => {
        printed = true;
        this.#output.push(stream, text);
      },
      test: (test) => {
        done += 1;
        this.#tests.tell(test.index, test);
        this.#state(words.testing(done, total), "busy");
      },
      gap: () => this.#output.note(words.output.gap),
      ended: (ending) => this.#ended(ending, where, printed),
    };
  }

  #ticks() {
    clearInterval(this.#clock);
    const began = performance.now();
    const tick = () => this.#state(words.running(performance.now() - began), "busy");
    tick();
    this.#clock = setInterval(tick, 100);
  }

  #ended(ending, where, printed) {
    clearInterval(this.#clock);
    this.#run = null;
    byId("run-button").disabled = byId("run-tests").disabled = false;
    byId("stop-button").disabled = true;
    if (ending.kind === "finished") this.#finished(ending, where, printed);
    else if (ending.kind === "limited") this.#limited(ending);
    else if (ending.kind === "refused") this.#over(refusal(ending.problem), "bad");
    else if (ending.kind === "stopped") this.#over(words.ended.cancelled, "warn");
    else this.#over(words[ending.kind], "bad", () => (this.#tabs.show(where), this.#start(where === "tests")));
    if (where !== "terminal") this.#output.end();
  }

  #finished({ execution, cause }, where, printed) {
    const steps = [execution.compile, execution.run].filter(Boolean);
    const withTests = where === "tests";
    if (withTests) (execution.tests ?? []).forEach((test, index) => this.#tests.tell(index, test));
    if (where !== "terminal") this.#showPrinted(steps, execution.limits, printed);
    const title = cause && cause !== ON_REQUEST ? words.terminal.ended_for(cause) : titleOf(execution);
    const good = execution.outcome === "ok" && !execution.tests?.some((test) => test.verdict !== "passed");
    this.#facts(execution);
    if (withTests && execution.score) {
      const text = words.status.tests(execution.score.passed, execution.score.total);
      this.#state(text, good ? "good" : "warn");
      byId("status").textContent = text;
    } else {
      this.#state(title, good ? "good" : "warn");
      byId("status").textContent =
        where === "terminal" ? words.status.over(title) : words.status.finished(title, this.#output.count);
    }
    if (withTests && this.#output.isEmpty === false && execution.outcome === "compile_error") this.#tabs.show("output");
    if (this.#output.isEmpty && where === "output") this.#output.note(words.output.nothing);
    if (!good) this.#markErrors(steps.concat(execution.tests ?? []));
  }

  /** What of its output did not come as it ran, and what of it never will. */
  #showPrinted(steps, limits, printed) {
    if (!printed) {
      for (const step of steps) for (const stream of ["stdout", "stderr"]) this.#output.push(stream, step[stream] ?? "");
    }
    if (steps.some((step) => step.stdout_truncated || step.stderr_truncated)) this.#output.note(words.output.cut(limits?.output_bytes ?? 0));
    this.#output.end();
  }

  #markErrors(steps) {
    for (const step of steps) {
      for (const text of [step.stderr, step === steps[0] ? step.stdout : ""]) {
        for (const line of (text ?? "").slice(-MARKED_CHARACTERS).split("\n").slice(-500)) {
          for (const found of this.#find(line)) (this.#marks[found.file] ??= []).push(found.line);
        }
      }
    }
    const file = this.#program.files[this.#current];
    this.#editor.mark(this.#marks[file.name] ?? []);
  }

  #limited({ wait_s, ...named }) {
    let policy = "runs";
    import("./policies.js").then(({ policyOf }) => (policy = policyOf(named)), () => {});
    // Retry-After leaves parts of a second away.
    this.#blockedUntil = performance.now() + (wait_s + 1) * 1000;
    byId("status").textContent = words.limited_said(wait_s);
    byId("run-button").disabled = byId("run-tests").disabled = true;
    const tick = () => {
      const left = Math.ceil((this.#blockedUntil - performance.now()) / 1000);
      if (left > 0) return this.#state(words.limited(policy, left), "bad");
      clearInterval(this.#clock);
      byId("run-button").disabled = byId("run-tests").disabled = false;
      this.#state(words.idle, "");
    };
    this.#clock = setInterval(tick, 250);
    tick();
  }

  /** @param {string} text @param {string} kind @param {() => void} [retry] */
  #over(text, kind, retry) {
    this.#state(text, kind);
    byId("status").textContent = text;
    if (retry) byId("state").append(" ", button(words.output.retry, retry));
  }

  #state(text, kind) {
    const place = byId("state");
    if (place.textContent !== text) place.textContent = text;
    place.className = kind;
  }

  #facts(execution) {
    const place = byId("facts");
    place.replaceChildren();
    if (!execution) return;
    const { run, compile, queue_ms, language, id } = execution;
    const facts = [];
    if (compile?.wall_ms != null) facts.push(words.facts.compiled(compile.wall_ms));
    if (run?.wall_ms != null) facts.push(duration(run.wall_ms));
    if (run?.cpu_ms != null) facts.push(words.facts.cpu(run.cpu_ms));
    if (run?.peak_memory_bytes) facts.push(size(run.peak_memory_bytes));
    if (queue_ms >= 1) facts.push(words.facts.waited(queue_ms));
    const name = this.#language?.name ?? "";
    facts.push(language.version.startsWith(name) ? language.version : `${name} ${language.version}`);
    place.append(make("span", {}, facts.join(" · ")));
    const short = `id ${id.slice(0, 8)}…`;
    const copies = button(short, async () => {
      if (await copy(id)) copies.textContent = words.output.copied;
      setTimeout(() => (copies.textContent = short), 1500);
    }, { className: "link", title: `${words.facts.id}: ${id}`, "aria-label": words.facts.id });
    place.append(" ", copies);
  }

  // What is around

  #say(text, action, label = words.draft.undo) {
    const place = byId("notice");
    const close = button("×", () => this.#hush(), { "aria-label": words.settings.close });
    const acts = action ? [button(label, () => (this.#hush(), action()))] : [];
    place.replaceChildren(make("span", {}, text), ...acts, close);
    place.hidden = false;
  }

  #hush() {
    byId("notice").hidden = true;
  }

  #tools() {
    const wrap = button(words.output.wrap, () => {
      drafts.set({ wrap: !drafts.settings.wrap });
      wrap.ariaPressed = String(drafts.settings.wrap);
      applySettings(this.#editor);
    }, { "aria-pressed": String(drafts.settings.wrap) });
    byId("output-tools").replaceChildren(
      copyButton(words.output.copy, words.output.copied, () => this.#output.text),
      button(words.output.download, () => save("output.txt", [this.#output.text], "text/plain")),
      wrap,
    );
    this.#output.note(words.output.none_yet);
  }

  #listen() {
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start(false);
    });
    byId("pick").addEventListener("submit", (event) => event.preventDefault());
    byId("language").addEventListener("change", (event) => this.#chosen(event.target.value));
    byId("example").addEventListener("change", (event) => this.#examplePicked(event.target.value));
    byId("stdin").addEventListener("input", (event) => this.#given({ stdin: event.target.value }));
    byId("args").addEventListener("input", (event) => this.#given({ args: event.target.value }));
    byId("stop-button").addEventListener("click", () => this.#run?.stop());
    byId("share-button").addEventListener("click", () => this.#share());
    byId("settings-button").addEventListener("click", () => settingsDialog(this.#editor));
    byId("keys-button").addEventListener("click", () => keysDialog());
    this.#tabs.add("terminal", words.terminal.title);
    this.#tabs.add("api", "API");
    byId("tabs").addEventListener("shown", (event) => this.#fill(event.detail));
    addEventListener("hashchange", () => this.#openLink());
    addEventListener("pagehide", () => {
      if (this.#draftTimer) this.#keep();
      this.#run?.leave();
    });
    addEventListener("keydown", (event) => this.#key(event), true);
  }

  async #chosen(slug) {
    if (this.#draftTimer) this.#keep();
    drafts.set({ language: slug });
    await this.#choose(slug);
    this.#named();
  }

  #named() {
    history.replaceState(null, "", `/?lang=${encodeURIComponent(this.#program.language)}`);
  }

  #examplePicked(name) {
    const before = this.#copied();
    const touched = this.#draftTimer || drafts.kept(before.language);
    this.#take(this.#exampleCalled(name));
    byId("example").value = name;
    drafts.forget(before.language);
    const title = this.#beginnings.examples.find((example) => example.name === name)?.title ?? "";
    if (touched) this.#say(words.draft.loaded(title), () => this.#takeBack(before));
    if (this.#program.tests.length) this.#tabs.show("tests");
    else if (this.#program.stdin || this.#program.args) this.#tabs.show("input");
    else this.#tabs.show("output");
  }

  #given(values) {
    Object.assign(this.#program, values);
    this.#changed();
  }

  async #share() {
    let link;
    try {
      link = `${location.origin}/${await fragmentOf(this.#program)}`;
    } catch {
      return this.#say(words.share.no_compression);
    }
    const field = make("input", { value: link, readOnly: true, "aria-label": words.share.title, onfocus: () => field.select() });
    const warning = link.length > LINK_MOST ? words.share.too_long : link.length > CHATS_CUT ? words.share.long : "";
    const box = dialog(
      words.share.title,
      make("p", {}, words.share.intro),
      field,
      make("p", { className: "hint" }, `${words.share.length(link.length)} ${warning}`),
      make("p", { className: "row" },
        button(words.settings.close, () => box.close()),
        ...(this.#data.may_store ? [button(words.share.store, () => (box.close(), this.#store()))] : []),
        Object.assign(copyButton(words.share.copy, words.output.copied, () => link), { className: "primary" })),
    );
    field.focus();
  }

  /** Have the server keep the program, for a link that is short. */
  async #store() {
    const stored = await this.#stored();
    if (!stored) return;
    const { id, problem } = await stored.store(this.#program, this.#headers());
    if (!id) return this.#say(words.share.not_stored(problem));
    history.replaceState(null, "", `/s/${id}`);
    this.#say(`${words.share.stored} ${location.href}`, () => this.#unstore(id), words.share.remove);
  }

  #key(event) {
    const inTerminal = this.#terminal?.has(event.target);
    const mod = event.ctrlKey || event.metaKey;
    const act =
      mod && event.key === "Enter" ? () => this.#start(event.shiftKey)
      : mod && event.key === "." ? () => this.#run?.stop()
      : mod && event.key.toLowerCase() === "s" && !event.shiftKey ? () => this.#share()
      : event.key === "F1" ? keysDialog
      : event.key === "F6" && !mod ? () => nextPart(this.#parts, event.shiftKey ? -1 : 1)
      : null;
    // All other keys are the program's there, but those of a Mac's own.
    if (inTerminal && !event.metaKey && !(event.key === "F6" || (mod && event.key === ".") || (mod && event.key === "Enter" && !this.#run))) return;
    if (!act || (document.querySelector("dialog[open]") && event.key !== "F1")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  get #parts() {
    const editor = {
      matches: () => this.#host.matches(":focus-within, :focus"),
      querySelector: () => ({ focus: () => this.#editor.focus() }),
    };
    const terminal = {
      matches: () => this.#terminal.has(document.activeElement),
      querySelector: () => this.#terminal,
    };
    return [
      () => document.querySelector("header"),
      () => (this.#host.hidden ? byId("files") : editor),
      () => byId("tabs"),
      () => (this.#tabs.current === "terminal" && this.#terminal?.isOffered ? terminal : byId(`panel-${this.#tabs.current}`)),
    ];
  }
}

function refusal(problem) {
  if (problem.code === "unauthorized") return words.needs_key;
  if (problem.status >= 500 || !problem.detail) return problem.code === "internal_error" ? words.server_fault : words.unavailable;
  return words.refused(problem.detail);
}

new Play().begin();
