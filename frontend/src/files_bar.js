/** The files of the program above the editor: shown, added, renamed, deleted, dropped in, taken away as zip. */

import { button, dialog, make, save } from "./dom.js";
import { size, words } from "./messages.js";
import { bytesOf, fileOf, isName, MOST_FILES } from "./program.js";
import { seen } from "./visible.js";

/**
 * @typedef {object} Owner
 * @property {() => import("./program.js").File[]} files
 * @property {() => number} current
 * @property {(index: number) => void} show
 * @property {(files: import("./program.js").File[], show: number) => void} change
 * @property {(text: string, undo?: () => void) => void} say
 * @property {() => string} title  of the zip
 * @property {number} most  bytes of all together
 */

export class FilesBar {
  #bar;
  /** @type {Owner} */
  #owner;

  /** @param {HTMLElement} bar @param {HTMLElement} target where files may be dropped @param {Owner} owner */
  constructor(bar, target, owner) {
    this.#bar = bar;
    this.#owner = owner;
    target.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      target.dataset.drop = words.files.drop;
    });
    target.addEventListener("dragleave", (event) => {
      if (!target.contains(/** @type {Node} */ (event.relatedTarget))) delete target.dataset.drop;
    });
    target.addEventListener("drop", (event) => {
      delete target.dataset.drop;
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      event.stopPropagation();
      this.#take([...event.dataTransfer.files]);
    }, true);
  }

  /** Draw it again. */
  draw() {
    const { files, current, show } = this.#owner;
    const list = files();
    const shown = list[current()];
    const tabs = list.map((file, index) =>
      button(seen(file.name), () => show(index), {
        className: "file", dir: "auto", "aria-pressed": String(index === current()), title: size(bytesOf(file).length),
      }),
    );
    const focused = this.#bar.contains(document.activeElement);
    this.#bar.replaceChildren(
      make("div", { className: "list", role: "group", "aria-label": words.files.label }, ...tabs),
      make("div", { className: "tools" },
        button("+", () => this.#add(), { "aria-label": words.files.add, title: words.files.add }),
        button(words.files.rename_button, () => this.#rename(), { "aria-label": words.files.rename(seen(shown.name)) }),
        ...(list.length > 1 ? [button(words.files.delete_button, () => this.#remove(), { "aria-label": words.files.remove(seen(shown.name)) })] : []),
        button("zip", () => this.#zip(), { "aria-label": words.files.zip, title: words.files.zip }),
      ),
    );
    if (focused) tabs[current()]?.focus();
  }

  #add() {
    const list = this.#owner.files();
    if (list.length >= MOST_FILES) return;
    this.#ask(words.files.add, "", (name) => this.#owner.change([...list, { name, text: "" }], list.length));
  }

  #rename() {
    const list = this.#owner.files();
    const at = this.#owner.current();
    this.#ask(words.files.rename(seen(list[at].name)), list[at].name, (name) =>
      this.#owner.change(list.map((file, index) => (index === at ? { ...file, name } : file)), at));
  }

  #remove() {
    const before = this.#owner.files();
    const at = this.#owner.current();
    this.#owner.change(before.filter((_, index) => index !== at), Math.max(0, at - 1));
    this.#owner.say(words.files.removed(seen(before[at].name)), () => this.#owner.change(before, at));
  }

  async #zip() {
    const files = this.#owner.files().map((file) => ({ name: file.name, bytes: bytesOf(file) }));
    const { zipped } = await import("./zip.js");
    save(`${this.#owner.title()}.zip`, zipped(files), "application/zip");
  }

  #ask(title, name, then) {
    const others = this.#owner.files().map((file) => file.name).filter((each) => each !== name);
    const field = make("input", {
      value: name, maxLength: 200, spellcheck: false, autocapitalize: "off", required: true, "aria-describedby": "name-hint",
      oninput: () => field.setCustomValidity(isName(field.value) && !others.includes(field.value) ? "" : words.files.bad_name),
    });
    field.setCustomValidity(name ? "" : words.files.bad_name);
    const form = make(
      "form",
      {
        method: "dialog",
        onsubmit: () => {
          if (field.value !== name) then(field.value);
        },
      },
      make("label", {}, make("span", { className: "label" }, words.files.name), field),
      make("p", { className: "hint", id: "name-hint" }, words.files.bad_name),
      make("p", { className: "row" },
        button(words.files.cancel, () => box.close()),
        make("button", { className: "primary" }, words.files.keep)),
    );
    const box = dialog(title, form);
    field.select();
  }

  async #take(dropped) {
    const before = this.#owner.files();
    const taken = await Promise.all(dropped.map(async (file) => {
      if (file.size > this.#owner.most) return null;
      return fileOf(file.name, new Uint8Array(await file.arrayBuffer()));
    })).catch(() => []);
    const list = [...before];
    for (const file of taken) {
      if (!file || !isName(file.name)) continue;
      const at = list.findIndex((each) => each.name === file.name);
      if (at < 0) list.push(file);
      else list[at] = file;
    }
    const total = list.reduce((sum, file) => sum + bytesOf(file).length, 0);
    if (taken.includes(null) || total > this.#owner.most || list.length > MOST_FILES) {
      return this.#owner.say(words.files.too_large(this.#owner.most));
    }
    const shown = list.findIndex((file) => file.name === taken.at(-1)?.name);
    if (shown >= 0) this.#owner.change(list, shown);
  }
}
