// How executions that have not ended are by now: asked for every two seconds, unless nobody looks or nothing is open.

const EVERY_MS = 2000;

/**
 * @param {string} url @param {() => string[]} open the ids of those that have not ended
 * @param {(told: Record<string, {open: boolean, cells: Record<string, string>}>) => void} show
 */
export function follow(url, open, show) {
  let timer = 0;
  const ask = async () => {
    const ids = open();
    if (!ids.length) return;
    try {
      const response = await fetch(`${url}?${new URLSearchParams(ids.map((id) => ["id", id]))}`);
      // Who is logged out is told so by the page itself.
      if (response.redirected || response.status === 403) return location.reload();
      if (response.ok) show(await response.json());
    } catch {
      // The server is away: the next time it may be back.
    }
    later();
  };
  const later = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(ask, EVERY_MS);
  };
  document.addEventListener("visibilitychange", later);
  later();
}

/** What a cell has in it: made by the server, which has escaped what is others'. @param {string} html */
export const nodes = (html) => new DOMParser().parseFromString(html, "text/html").body.childNodes;
