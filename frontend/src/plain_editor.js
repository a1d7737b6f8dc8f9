/** The text field that is there before the editor comes, and where it does not come. */

import { make } from "./dom.js";

export class PlainEditor {
  #field;
  #name = "";

  /** @param {HTMLElement} host @param {{changed: (name: string, text: string) => void}} listener */
  constructor(host, listener) {
    this.#field = make("textarea", {
      className: "field",
      wrap: "off",
      spellcheck: false,
      autocapitalize: "off",
      oninput: () => listener.changed(this.#name, this.#field.value),
    });
    host.append(this.#field);
  }

  get text() {
    return this.#field.value;
  }

  get hasFocus() {
    return document.activeElement === this.#field;
  }

  /** Where the cursor is, for the editor that takes over. */
  get position() {
    return this.#field.selectionStart;
  }

  show(name, text, label) {
    this.#name = name;
    this.#field.value = text;
    this.#field.setAttribute("aria-label", label);
  }

  clear() {}

  async colour() {}

  setTabWidth() {}

  mark() {}

  goTo(line, column) {
    const before = this.#field.value.split("\n").slice(0, line - 1).join("\n").length;
    const position = before + (line > 1 ? 1 : 0) + Math.max(column - 1, 0);
    this.focus();
    this.#field.setSelectionRange(position, position);
  }

  focus() {
    this.#field.focus();
  }

  remove() {
    this.#field.remove();
  }
}
