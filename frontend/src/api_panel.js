/** The tab of the API: the call that does the same, for programs. */

import { copyButton, make } from "./dom.js";
import { words } from "./messages.js";
import { CLIENTS } from "./snippets.js";

export class ApiPanel {
  #panel;
  #call;
  #client = make("select", { onchange: () => this.draw() });
  #code = make("pre", { tabIndex: 0, role: "region", "aria-label": words.api.intro });

  constructor(panel, call) {
    this.#panel = panel;
    this.#call = call;
    this.#client.append(...Object.entries(CLIENTS).map(([value, { title }]) => make("option", { value }, title)));
    panel.append(
      make("div", { className: "tools" },
        make("label", {}, make("span", { className: "label" }, words.api.label), this.#client),
        copyButton(words.api.copy, words.output.copied, () => this.#code.textContent ?? ""),
        make("a", { href: "/api/docs" }, words.api.more)),
      make("p", { className: "hint" }, words.api.intro),
      this.#code,
    );
  }

  draw() {
    if (!this.#panel.hidden) this.#code.textContent = CLIENTS[this.#client.value].of(this.#call());
  }
}
