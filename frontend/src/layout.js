/** Tabs, the splitter, the parts of the page that F6 goes through, dialogs of keys and settings. */

import { byId, button, dialog, make } from "./dom.js";
import { set, settings } from "./drafts.js";
import { words } from "./messages.js";

const IS_MAC = /Mac|iP(?:hone|ad)/.test(navigator.platform);
export const modKey = IS_MAC ? "⌘" : "Ctrl";

/** Tabs by the pattern of the ARIA practices: arrows move between them, and a panel is shown at once. */
export class Tabs {
  #list;

  /** @param {HTMLElement} list with role tablist */
  constructor(list) {
    this.#list = list;
    list.addEventListener("click", (event) => {
      const tab = /** @type {HTMLElement} */ (event.target).closest("[role=tab]");
      if (tab) this.show(tab.id.replace("tab-", ""));
    });
    list.addEventListener("keydown", (event) => this.#key(event));
    for (const tab of this.#tabs) {
      const panel = byId(tab.getAttribute("aria-controls"));
      panel.setAttribute("role", "tabpanel");
    }
  }

  get #tabs() {
    return /** @type {HTMLElement[]} */ ([...this.#list.querySelectorAll("[role=tab]")]);
  }

  /** Which one is shown. */
  get current() {
    return this.#tabs.find((tab) => tab.ariaSelected === "true")?.id.replace("tab-", "") ?? "";
  }

  /** Add a tab and its panel at the end. @param {string} name @param {string} title @returns {HTMLElement} the panel */
  add(name, title) {
    const tab = button(title, () => {}, {
      role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "aria-selected": "false", tabIndex: -1,
    });
    const panel = make("section", {
      id: `panel-${name}`, className: "panel", role: "tabpanel", "aria-labelledby": `tab-${name}`, hidden: true,
    });
    this.#list.append(tab);
    this.#list.parentElement?.append(panel);
    return panel;
  }

  /** @param {string} name */
  show(name) {
    for (const tab of this.#tabs) {
      const chosen = tab.id === `tab-${name}`;
      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
    this.#list.dispatchEvent(new CustomEvent("shown", { detail: name }));
  }

  #key(event) {
    const tabs = this.#tabs;
    const at = tabs.findIndex((tab) => tab.ariaSelected === "true");
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    this.show(next.id.replace("tab-", ""));
    next.focus();
  }
}

/** The bar between program and output. @param {HTMLElement} bar */
export function splitter(bar) {
  const apply = (width) => {
    const bounded = Math.round(Math.min(80, Math.max(20, width)));
    document.documentElement.style.setProperty("--program", `${bounded}%`);
    bar.ariaValueNow = String(bounded);
    set({ width: bounded });
  };
  apply(settings.width);
  bar.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -5, ArrowRight: 5, Home: -100, End: 100 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    apply(settings.width + by);
  });
  bar.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    bar.setPointerCapture(event.pointerId);
    const all = /** @type {HTMLElement} */ (bar.parentElement).getBoundingClientRect();
    const move = (moved) => apply(((moved.clientX - all.left) / all.width) * 100);
    bar.addEventListener("pointermove", move);
    bar.addEventListener("lostpointercapture", () => bar.removeEventListener("pointermove", move), { once: true });
  });
}

/** Go to the next part of the page, or the one before. @param {(() => (HTMLElement | null))[]} parts @param {number} by */
export function nextPart(parts, by) {
  const there = parts.map((part) => part()).filter((part) => part !== null);
  const at = there.findIndex((part) => part.matches(":focus-within, :focus"));
  const next = there[(at + by + there.length + (at < 0 && by < 0 ? 1 : 0)) % there.length];
  const inner = next.matches("[tabindex='0']") ? next
    : next.querySelector("[role='tab'][tabindex='0']") ?? next.querySelector("[tabindex='0'], textarea, select, button:not([hidden]), input");
  (inner ?? next).focus();
}

/** The settings as they are now, on the page. @param {{setTabWidth: (width: number) => void}} editor */
export function applySettings(editor) {
  const { dataset, style } = document.documentElement;
  dataset.theme = settings.theme;
  style.setProperty("--code-size", `${Math.min(28, Math.max(10, settings.text))}px`);
  style.setProperty("--tab", String(settings.tab));
  dataset.wrap = String(settings.wrap);
  editor.setTabWidth(settings.tab);
}

/** @param {{setTabWidth: (width: number) => void}} editor */
export function settingsDialog(editor) {
  const choice = (name, label, options) =>
    make("label", {}, make("span", { className: "label" }, label), make(
      "select",
      { onchange: (event) => change(name, event.target.value) },
      ...options.map(([value, text]) => make("option", { value, selected: String(settings[name]) === value }, text)),
    ));
  const change = (name, value) => {
    set({ [name]: typeof settings[name] === "number" ? Number(value) : value });
    applySettings(editor);
  };
  const numbers = (values) => values.map((value) => [String(value), String(value)]);
  const box = dialog(
    words.settings.title,
    choice("theme", words.settings.theme, Object.entries(words.settings.themes)),
    choice("text", words.settings.text, numbers([12, 13, 14, 15, 16, 18, 20, 24])),
    choice("tab", words.settings.tab, numbers([2, 3, 4, 8])),
    make("p", { className: "row" }, button(words.settings.close, () => box.close(), { className: "primary" })),
  );
}

/** All keys, in a dialog. */
export function keysDialog() {
  const rows = words.keys.rows.map(([keys, does]) =>
    make("tr", {}, make("th", { scope: "row" }, make("kbd", {}, keys.replaceAll("Mod", modKey))), make("td", {}, does)),
  );
  const box = dialog(
    words.keys.title,
    make("table", { className: "keys" }, make("tbody", {}, ...rows)),
    make("p", { className: "row" }, button(words.settings.close, () => box.close(), { className: "primary" })),
  );
}
