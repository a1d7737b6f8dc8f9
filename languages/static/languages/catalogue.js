// The catalogue: says what was chosen, and shows how far each language is that is being installed.
"use strict";

(() => {
  const RUNNING_MS = 1000;

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const start = (form) => {
    const boxes = [...form.querySelectorAll("input[name=slug]")];
    const all = form.querySelector("[data-part=all]");
    const row = (box) => box.closest("tr");
    const free = () => boxes.filter((box) => !box.disabled);

    const count = () => {
      const chosen = free().filter((box) => box.checked);
      const sum = (name) => chosen.reduce((total, box) => total + Number(row(box).dataset[name] || 0), 0);
      const minutes = Math.max(1, Math.round(sum("seconds") / 60));
      const megabytes = sum("mb");
      const size = megabytes >= 1000 ? `${(megabytes / 1000).toFixed(1)} GB` : `${megabytes} MB`;
      form.querySelector("[data-part=chosen]").textContent = chosen.length
        ? `${chosen.length} chosen, at most ${size}, about ${minutes} min`
        : "Nothing is chosen.";
      for (const button of form.querySelectorAll("button")) button.disabled = chosen.length === 0;
      all.checked = chosen.length > 0 && chosen.length === free().length;
      all.indeterminate = chosen.length > 0 && !all.checked;
    };

    const show = (line, status) => {
      const cell = line.querySelector(".gexec-state");
      const link = element("a", `gexec-badge gexec-${status.kind}`, status.state);
      link.href = status.url;
      cell.replaceChildren(link);
      if (status.running) {
        const bar = element("progress");
        if (status.total) {
          bar.max = status.total;
          bar.value = status.done;
        }
        cell.append(bar, element("span", "gexec-headline", status.headline || "starting …"));
      } else if (status.error) cell.append(element("span", "gexec-error", status.error));
      const box = line.querySelector("input");
      const closed = status.running || status.enabled;
      if (closed) box.checked = false;
      box.disabled = closed;
    };

    const ask = async () => {
      let running = false;
      try {
        const response = await fetch(form.dataset.status, { headers: { Accept: "application/json" } });
        if (response.redirected || response.status === 403) return location.reload();
        const statuses = await response.json();
        for (const line of form.querySelectorAll("[data-slug]")) {
          const status = statuses[line.dataset.slug];
          if (status) show(line, status);
        }
        running = Object.values(statuses).some((status) => status.running);
        count();
      } catch {
        // The server may be starting anew: ask on.
        running = true;
      }
      if (running) setTimeout(ask, RUNNING_MS);
      return undefined;
    };

    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of free()) box.checked = all.checked;
      count();
    });
    form.addEventListener("change", count);
    count();
    ask();
  };

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("gexec-catalogue");
    if (form) start(form);
  });
})();
