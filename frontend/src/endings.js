/** How a run ended, in a few words: the page at / and pages that embed a program say the same. */

import { ended } from "./messages.js";

/** @param {any} execution as the API tells it */
export function titleOf({ status, outcome, run, limits }) {
  if (status === "rejected") return ended.rejected;
  if (outcome === "ok" || outcome === "nonzero_exit") return ended.exit(run?.exit_code ?? 0);
  if (outcome === "signal") return ended.signal(run?.signal_name ?? "a signal");
  const said = ended[outcome];
  return typeof said === "function" ? said(limits) : said;
}
