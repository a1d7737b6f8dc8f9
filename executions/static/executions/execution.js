// The page of an execution: while it has not ended it is kept new; what is to be copied goes to the clipboard.

import { follow, nodes } from "./states.js";

const panel = document.querySelector(".gexec-actions");
const said = panel.querySelector('[data-part="said"]');

for (const button of panel.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { textContent } = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(textContent);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "The browser does not let the page copy.";
    }
  });
}

const { open, states } = panel.dataset;
if (open) {
  follow(states, () => [open], (told) => {
    // What has ended has much to show; what was deleted has nothing.
    if (!told[open]?.open) return location.reload();
    document.querySelector(".field-ending .readonly")?.replaceChildren(...nodes(told[open].cells.ending));
  });
}
