// The list of executions: the rows of those that have not ended are kept new.

import { follow, nodes } from "./states.js";

const list = document.getElementById("gexec-states");
const row = (id) => list.querySelector(`[data-open="${id}"]`)?.closest("tr");

follow(
  list.dataset.states,
  () => [...list.querySelectorAll("[data-open]")].map((each) => each.dataset.open),
  (told) => {
    for (const mark of list.querySelectorAll("[data-open]")) {
      // One that was deleted stays as it was, and is asked for no more.
      if (!told[mark.dataset.open]) mark.removeAttribute("data-open");
    }
    for (const [id, { cells }] of Object.entries(told)) {
      for (const [name, html] of Object.entries(cells)) row(id)?.querySelector(`.field-${name}`)?.replaceChildren(...nodes(html));
    }
  },
);
