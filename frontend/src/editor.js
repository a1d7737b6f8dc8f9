/**
 * The editor: CodeMirror inside a shadow root, whose styles no policy of the page around it bounds, and which no style of
 * that page reaches. The page at / and pages that embed a program share it.
 */

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, toggleTabFocusMode } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, Facet, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

import { modeOf } from "./modes.js";
import { escaped } from "./visible.js";

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], color: "var(--syn-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character], color: "var(--syn-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.constant(tags.name)], color: "var(--syn-number)" },
  { tag: [tags.comment, tags.docComment], color: "var(--syn-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.definition(tags.function(tags.variableName))], color: "var(--syn-function)" },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.standard(tags.name)], color: "var(--syn-type)" },
  { tag: [tags.meta, tags.annotation, tags.processingInstruction], color: "var(--syn-meta)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const LOOKS = EditorView.theme({
  "&": { isolation: "isolate", height: "100%", color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: "var(--code-size)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--paper)", color: "var(--faint)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--line-here)" },
  ".cm-activeLineGutter": { color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--selected)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selected)", outline: "1px solid var(--edge)" },
  ".cm-specialChar": { color: "var(--hidden-ink)", backgroundColor: "var(--hidden-paper)", borderRadius: "2px" },
  ".cm-wrong": { backgroundColor: "var(--bad-paper)", boxShadow: "inset 3px 0 var(--bad)" },
  ".cm-panels": { backgroundColor: "var(--bar)", color: "var(--ink)", borderColor: "var(--edge)" },
  ".cm-panel.cm-search": { fontFamily: "var(--sans)" },
  ".cm-textfield, .cm-button": {
    backgroundColor: "var(--paper)", backgroundImage: "none", color: "var(--ink)", border: "1px solid var(--edge)",
    borderRadius: "4px", minHeight: "24px",
  },
  ".cm-panel.cm-search [name=close]": { color: "var(--ink)", minWidth: "24px", minHeight: "24px" },
  ".cm-searchMatch": { backgroundColor: "var(--hidden-paper)" },
});

/** Its own colours; the others are those of the page around it. */
const SHEET = `
  :host, div:first-child { display: block; height: 100%; }
  :host {
    --line-here: var(--gexec-line-here, light-dark(#f1f5fa80, #ffffff0a));
    --syn-keyword: var(--gexec-syn-keyword, light-dark(#8a1f9c, #d9a1ff));
    --syn-string: var(--gexec-syn-string, light-dark(#1b6a2f, #8fd6a0));
    --syn-number: var(--gexec-syn-number, light-dark(#0a5aa8, #84c1ff));
    --syn-comment: var(--gexec-syn-comment, light-dark(#5b6570, #9aa5b1));
    --syn-function: var(--gexec-syn-function, light-dark(#744a00, #f0cd85));
    --syn-type: var(--gexec-syn-type, light-dark(#00626b, #75d3da));
    --syn-meta: var(--gexec-syn-meta, light-dark(#8a4b00, #f3b35c));
    --selected: var(--gexec-selected, light-dark(#cfe2fb, #2c4a6e));
  }
`;

const mark = StateEffect.define();
/**
 * What is typed over a selection. Left to the browser, Chromium keeps the looks of the text that went by a style attribute,
 * which the policy of the page refuses.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state } = view;
    const { data, inputType } = event;
    if (inputType !== "insertText" || !data || view.composing || state.selection.ranges.every((range) => range.empty)) return false;
    event.preventDefault();
    const insert = () => state.update(state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    const { from, to } = state.selection.main;
    if (!state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, data, insert))) view.dispatch(insert());
    return true;
  },
});

/** Lines that a message names. */
const marks = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    // A line that is written in again may be right now.
    let next = value.map(transaction.changes);
    if (transaction.docChanged) {
      next = next.update({ filter: (from) => !touches(transaction.changes, transaction.state.doc.lineAt(from)) });
    }
    for (const effect of transaction.effects) if (effect.is(mark)) next = effect.value;
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function touches(changes, line) {
  let found = false;
  changes.iterChangedRanges((_fromA, _toA, fromB, toB) => (found ||= fromB <= line.to && toB >= line.from));
  return found;
}

const searchIsThere = Facet.define();

/** Search comes when it is first asked for. */
const findLater = keymap.of([
  { key: "Mod-f", preventDefault: true, run: (view) => (openSearch(view), true) },
]);

async function openSearch(view) {
  const { openSearchPanel, search, searchKeymap } = await import("@codemirror/search");
  if (!view.state.facet(searchIsThere).includes(true)) {
    view.dispatch({ effects: StateEffect.appendConfig.of([searchIsThere.of(true), search({ top: true }), keymap.of(searchKeymap)]) });
  }
  openSearchPanel(view);
}

/** What an editor tells: that a text has changed. @typedef {{changed: (name: string, text: string) => void}} Listener */

export class Editor {
  #view;
  #listener;
  /** @type {Map<string, EditorState>} of the files that are not shown, with what can be undone in them */
  #states = new Map();
  #name = "";
  #mode = new Compartment();
  #label = new Compartment();
  #tab = new Compartment();
  #tabWidth = 4;
  #grammar = [];
  #family = "";
  #silent = false;

  /** @param {HTMLElement} host @param {Listener} listener */
  constructor(host, listener) {
    this.#listener = listener;
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const place = document.createElement("div");
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(SHEET);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    root.append(place);
    this.#view = new EditorView({ root, parent: place, state: this.#fresh("") });
  }

  get text() {
    return this.#view.state.doc.toString();
  }

  /** Show a file. What was done to one of that name before can be undone, if its text is still the same. */
  show(name, text, label) {
    if (this.#name) this.#states.set(this.#name, this.#view.state);
    const kept = this.#states.get(name);
    this.#name = name;
    this.#quietly(() => {
      this.#view.setState(kept?.doc.toString() === text ? kept : this.#fresh(text));
      this.#view.dispatch({ effects: [this.#mode.reconfigure(this.#grammar), this.#label.reconfigure(labelled(label))] });
    });
  }

  /** Forget what was done to all files: others come. */
  clear() {
    this.#states.clear();
    this.#name = "";
  }

  /** Colour as this language is coloured. @param {string} family */
  async colour(family) {
    this.#family = family;
    const grammar = await modeOf(family);
    if (family !== this.#family) return;
    this.#grammar = grammar;
    this.#view.dispatch({ effects: this.#mode.reconfigure(grammar) });
  }

  /** @param {number} width */
  setTabWidth(width) {
    this.#tabWidth = width;
    this.#view.dispatch({ effects: this.#tab.reconfigure(this.#tabs()) });
  }

  /** Mark lines of the file that is shown. @param {number[]} lines from one on */
  mark(lines) {
    const { doc } = this.#view.state;
    const wanted = [...new Set(lines)].filter((line) => line >= 1 && line <= doc.lines).sort((a, b) => a - b);
    const wrong = Decoration.line({ class: "cm-wrong" });
    this.#view.dispatch({ effects: mark.of(Decoration.set(wanted.map((line) => wrong.range(doc.line(line).from)))) });
  }

  /** Put the cursor there. @param {number} line @param {number} column both from one on */
  goTo(line, column) {
    const { doc } = this.#view.state;
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    const position = Math.min(at.from + Math.max(column - 1, 0), at.to);
    this.#view.dispatch({ selection: { anchor: position }, effects: EditorView.scrollIntoView(position, { y: "center" }) });
    this.focus();
  }

  focus() {
    this.#view.focus();
  }

  get hasFocus() {
    return this.#view.hasFocus;
  }

  #fresh(text) {
    return EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        highlightSpecialChars({ render: shown, addSpecialChars: /[\p{Cf}\p{Co}\p{Zl}\p{Zp}\u034f\u115f\u1160\u2800\u3164\uffa0]/gu }),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        syntaxHighlighting(COLOURS),
        LOOKS,
        marks,
        typedOver,
        findLater,
        keymap.of([
          { key: "Ctrl-m", mac: "Shift-Alt-m", run: toggleTabFocusMode },
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
        this.#mode.of(this.#grammar),
        this.#label.of([]),
        this.#tab.of(this.#tabs()),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !this.#silent) this.#listener.changed(this.#name, this.text);
        }),
      ],
    });
  }

  #tabs() {
    return [EditorState.tabSize.of(this.#tabWidth), indentUnit.of(this.#family === "go" ? "\t" : " ".repeat(this.#tabWidth))];
  }

  #quietly(action) {
    this.#silent = true;
    try {
      action();
    } finally {
      this.#silent = false;
    }
  }
}

const labelled = (label) =>
  EditorView.contentAttributes.of({
    "aria-label": label, tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off",
  });

function shown(code, _description, _placeholder) {
  const made = document.createElement("span");
  made.className = "cm-specialChar";
  made.textContent = escaped(String.fromCodePoint(code));
  made.title = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return made;
}
