// The panel above a language's form: asks for its status, more often while something is being done, and shows it.
"use strict";

(() => {
  const RUNNING_MS = 800;
  const IDLE_MS = 5000;
  const KINDS = { running: "busy", succeeded: "good", failed: "bad", lost: "bad" };

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const badge = (text, kind) => element("span", `gexec-badge gexec-${kind}`, text);

  const facts = (rows) =>
    rows.map(([name, value]) => {
      const pair = element("div");
      pair.append(element("dt", "", name), element("dd", "", value));
      return pair;
    });

  const verdicts = (rows) => {
    const table = element("table", "gexec-verdicts");
    const head = table.createTHead().insertRow();
    for (const title of ["self-test", "verdict", "compile", "run", "memory"]) head.append(element("th", "", title));
    const body = table.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      line.append(element("th", "", row.case));
      const [mark, kind] = row.passed ? ["passed", "good"] : row.excused ? ["excused", "warn"] : ["failed", "bad"];
      line.insertCell().append(badge(mark, kind));
      for (const value of [row.compile, row.run, row.memory]) line.append(element("td", "gexec-number", value));
      if (row.problem) {
        const cell = body.insertRow().insertCell();
        cell.colSpan = 5;
        cell.append(element("pre", "gexec-problem", row.problem));
        if (row.excused) cell.append(element("p", "gexec-hint", `Excused: ${row.excused}`));
        else if (row.hint) cell.append(element("p", "gexec-hint", `What to do: ${row.hint}`));
      }
    }
    return table;
  };

  const taskBox = (task) => {
    const box = element("div", "gexec-task");
    const head = element("div", "gexec-task-head");
    head.append(badge(task.status, KINDS[task.status]), element("span", "", task.title));
    box.append(head);
    if (task.status === "running") {
      const bar = element("progress");
      if (task.total) {
        bar.max = task.total;
        bar.value = task.done;
      }
      box.append(bar, element("p", "gexec-headline", task.headline || "starting …"));
    }
    if (task.error) box.append(element("pre", "gexec-problem", task.error));
    if (task.verdicts.length) box.append(verdicts(task.verdicts));
    if (task.log && task.kind !== "test") {
      const details = element("details");
      details.open = task.status === "running" || task.status === "failed";
      const log = element("pre", "gexec-log", task.log);
      details.append(element("summary", "", "Log"), log);
      box.append(details);
    }
    return box;
  };

  const start = (panel) => {
    const part = (name) => panel.querySelector(`[data-part="${name}"]`);
    let timer = 0;
    let shown = "";
    let asking = 0;

    const show = (status) => {
      part("refused").textContent = status.refused || "";
      part("refused").hidden = !status.refused;
      delete status.refused;
      const answer = JSON.stringify(status);
      if (answer === shown) return;
      shown = answer;
      part("state").className = `gexec-badge gexec-${status.state.kind}`;
      part("state").textContent = status.state.text;
      part("advice").textContent = status.running ? "" : status.state.advice;
      part("facts").replaceChildren(...facts(status.facts));
      part("tasks").replaceChildren(...[status.task, status.test].filter(Boolean).map(taskBox));
      for (const log of panel.querySelectorAll(".gexec-log")) log.scrollTop = log.scrollHeight;
      for (const form of panel.querySelectorAll("[data-button]")) {
        const why = status.buttons[form.dataset.button];
        const button = form.querySelector("button");
        button.disabled = Boolean(why);
        button.title = why;
      }
      const enabled = status.buttons.disable === "";
      const toggle = (name, hidden) => {
        const form = panel.querySelector(`[data-button="${name}"]`);
        if (form) form.hidden = hidden;
      };
      toggle("enable", enabled);
      toggle("disable", !enabled);
    };

    const next = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(ask, ms);
    };

    // Answers that were overtaken by a later question are dropped.
    const fetched = async (url, options) => {
      const number = ++asking;
      let wait = IDLE_MS;
      try {
        const response = await fetch(url, { headers: { Accept: "application/json" }, ...options });
        const type = response.headers.get("Content-Type") || "";
        if (response.redirected || response.status === 403) return location.reload();
        if (!type.includes("json")) throw new Error(`${response.status} ${response.statusText}`);
        const status = await response.json();
        if (number !== asking) return undefined;
        wait = status.running ? RUNNING_MS : IDLE_MS;
        show(status);
      } catch (error) {
        if (number !== asking) return undefined;
        shown = "";
        part("state").className = "gexec-badge gexec-bad";
        part("state").textContent = "the server does not answer";
        part("advice").textContent = String(error.message || error);
      }
      return next(wait);
    };

    const ask = () => (document.hidden ? next(IDLE_MS) : fetched(panel.dataset.status));

    for (const form of panel.querySelectorAll("[data-button]")) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        clearTimeout(timer);
        form.querySelector("button").disabled = true;
        shown = "";
        fetched(form.action, { method: "POST", body: new FormData(form) });
      });
    }
    document.addEventListener("visibilitychange", () => document.hidden || ask());
    document.getElementById("language_form")?.addEventListener("input", () => {
      panel.querySelector(".gexec-unsaved").hidden = false;
    });
    ask();
  };

  document.addEventListener("DOMContentLoaded", () => {
    const panel = document.getElementById("gexec-language");
    if (panel) start(panel);
  });
})();
