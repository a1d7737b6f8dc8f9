// The list of languages: while something is done to some of them, how far it is is asked for again and again.
"use strict";

(() => {
  const EVERY_MS = 1500;

  const start = (list) => {
    const busy = () => [...list.querySelectorAll("[data-busy]")];
    let timer = 0;
    const ask = async () => {
      const ids = busy().map((each) => each.dataset.busy);
      if (!ids.length) return;
      try {
        const response = await fetch(`states/?${new URLSearchParams(ids.map((id) => ["id", id]))}`);
        if (response.redirected || response.status === 403) return location.reload();
        if (response.ok) show(await response.json());
      } catch {
        // The server is away: the next time it may be back.
      }
      later();
    };
    const show = (told) => {
      for (const mark of busy()) {
        const html = told[mark.dataset.busy];
        // Made by the server, which has escaped what is others'. One that is gone is asked for no more.
        if (html === undefined) mark.removeAttribute("data-busy");
        else mark.closest("td").replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
      }
    };
    const later = () => {
      clearTimeout(timer);
      if (!document.hidden) timer = setTimeout(ask, EVERY_MS);
    };
    document.addEventListener("visibilitychange", later);
    later();
  };

  document.addEventListener("DOMContentLoaded", () => {
    const list = document.querySelector(".model-language #result_list");
    if (list) start(list);
  });
})();
