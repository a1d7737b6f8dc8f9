// The admin's front page: its numbers are asked for again every five seconds, unless nobody looks.
"use strict";

(() => {
  const EVERY_MS = 5000;
  const numbers = document.getElementById("gexec-numbers");
  const state = document.getElementById("gexec-state");
  const button = document.getElementById("gexec-pause");
  let timer = 0;
  let asked = null;
  let paused = false;

  const isRead = () => {
    const selection = getSelection();
    return !selection.isCollapsed && numbers.contains(selection.anchorNode);
  };

  // What was opened, scrolled and focused stays so.
  const put = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    for (const { id } of numbers.querySelectorAll("details[open]")) {
      const same = fresh.querySelector(`#${id}`);
      if (same) same.open = true;
    }
    const scrolled = [...numbers.querySelectorAll(".gexec-scroll")].map((each) => [each.scrollTop, each.scrollLeft]);
    const focused = numbers.contains(document.activeElement) ? document.activeElement.id : "";
    numbers.replaceChildren(...fresh.childNodes);
    const scrolling = numbers.querySelectorAll(".gexec-scroll");
    if (scrolling.length === scrolled.length)
      scrolling.forEach((each, number) => ([each.scrollTop, each.scrollLeft] = scrolled[number]));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  const say = (text) => {
    if (state.textContent !== text) state.textContent = text;
  };

  const ask = async () => {
    asked = new AbortController();
    const { signal } = asked;
    try {
      const response = await fetch(numbers.dataset.url, { signal, headers: { Accept: "text/html" } });
      if (response.redirected || response.status === 403) return location.reload();
      if (!response.ok) throw new Error(response.status);
      const text = await response.text();
      if (signal.aborted) return;
      if (!isRead()) put(text);
      say("");
    } catch {
      if (signal.aborted) return;
      say(`No answer: these are the numbers of ${numbers.querySelector("[data-part=told]").textContent}.`);
    }
    later();
  };

  const later = () => {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(ask, EVERY_MS);
  };

  const stop = () => {
    clearTimeout(timer);
    asked?.abort();
  };

  const goOn = () => {
    stop();
    if (!paused && !document.hidden) ask();
  };

  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on" : "Pause";
    goOn();
  });
  document.addEventListener("visibilitychange", goOn);
  button.hidden = false;
  later();
})();
