/** Runs programs over the API: watched as they run, gone on with after a cut, stopped, and tried again where it is busy. */

import { eventsIn } from "./events.js";

const PATH = "/api/v1/executions";
const EVENTS = "text/event-stream";
const CUTS = 6;
const BUSY = ["no_slot", "queue_full", "shutting_down", "too_many_concurrent"];
const STOP_MS = 1500;

/**
 * What becomes of a run, told as it happens.
 * @typedef {object} Listener
 * @property {(name: string, data?: any) => void} state
 *   sending, waiting {position}, started, compiling, running, stopping, resuming, restarted, busy {wait_s}
 * @property {(stream: string, text: string, step: string) => void} output
 * @property {(test: any) => void} test
 * @property {() => void} gap
 * @property {(ending: Ending) => void} ended  once, and last
 *
 * @typedef {{kind: "finished", execution: any} | {kind: "limited", wait_s: number, policy: string, policies: string}
 *   | {kind: "refused", problem: any} | {kind: "offline"} | {kind: "lost"} | {kind: "stopped"}} Ending
 */

/** How long an answer says to wait, in seconds. @param {Response} response */
const waitOf = (response) => Math.max(1, Number(response.headers.get("Retry-After")) || 2);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Run {
  #listener;
  #headers;
  #server;
  #abort = new AbortController();
  #id = "";
  #token = "";
  #last = "";
  #over = false;
  #stopped = false;
  /** Nobody more may watch: then its end is waited for. */
  #plain = false;

  /**
   * @param {Listener} listener
   * @param {Record<string, string>} headers of every request
   * @param {string} [server] the origin of another one than the page's own
   */
  constructor(listener, headers, server = "") {
    this.#listener = listener;
    this.#headers = headers;
    this.#server = server;
  }

  get id() {
    return this.#id;
  }

  /** Send the body of POST /api/v1/executions, and tell what happens to its end. @param {any} body */
  async start(body) {
    this.#listener.state("sending");
    let cuts = 0;
    while (!this.#over) {
      try {
        const response = await (this.#id ? this.#again() : this.#first(body));
        if (response.ok) await this.#read(response);
        else if (await this.#refused(response)) return;
        else if (!this.#id) continue;
        if (!this.#over && this.#id && response.status === 204) return this.#end({ kind: "lost" });
      } catch (error) {
        if (this.#abort.signal.aborted) return this.#end({ kind: "stopped" });
        if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
        if (!this.#id) return this.#end({ kind: "offline" });
      }
      if (this.#over) return;
      // The answer ended before the run did: it is gone on with behind the last event.
      cuts += 1;
      if (cuts > CUTS) return this.#end({ kind: "lost" });
      this.#listener.state("resuming");
      await sleep(Math.min(4000, 250 * 2 ** cuts));
    }
  }

  /** End it; what it has printed stays. */
  async stop() {
    this.#stopped = true;
    this.#listener.state("stopping");
    // Before its first event it has no name yet: it is cancelled as soon as it has.
    if (this.#last) this.#cancel(false).catch(() => this.#abort.abort());
    await sleep(STOP_MS);
    if (!this.#over) this.#abort.abort();
  }

  /** The page goes: nobody waits for it any more. */
  leave() {
    if (this.#id && !this.#over) this.#cancel(true).catch(() => {});
  }

  #cancel(keepalive) {
    return fetch(`${this.#server}${PATH}/${this.#id}/cancel`, { method: "POST", headers: this.#named(), keepalive });
  }

  #first(body) {
    return fetch(this.#server + PATH, {
      method: "POST",
      headers: { ...this.#headers, Accept: this.#plain ? "application/json" : EVENTS, "Content-Type": "application/json" },
      // It goes on when the connection is cut, so that it can be watched again; `leave` ends it with the page.
      body: JSON.stringify({ ...body, on_disconnect: this.#plain ? "cancel" : "continue" }),
      signal: this.#abort.signal,
    });
  }

  #again() {
    const after = this.#last ? `?after=${this.#last}` : "";
    const headers = { ...this.#named(), Accept: EVENTS };
    return fetch(`${this.#server}${PATH}/${this.#id}/events${after}`, { headers, signal: this.#abort.signal });
  }

  #named() {
    return this.#token ? { ...this.#headers, "X-Access-Token": this.#token } : this.#headers;
  }

  async #read(response) {
    this.#id ||= response.headers.get("X-Execution-Id") ?? "";
    if (!response.body || !response.headers.get("Content-Type")?.startsWith(EVENTS)) {
      if (response.status !== 204) this.#end({ kind: "finished", execution: await response.json() });
      return;
    }
    for await (const { id, event, data } of eventsIn(response.body)) {
      if (id) this.#last = id;
      this.#told(event, data);
    }
  }

  #told(event, data) {
    const listener = this.#listener;
    if (event === "execution.queued") {
      this.#id ||= data.id;
      this.#token ||= data.access_token ?? "";
      if (this.#stopped) this.#cancel(false).catch(() => this.#abort.abort());
      else listener.state("waiting", data);
    } else if (event === "execution.started") listener.state("started", data);
    else if (event === "step.started") listener.state(data.step === "compile" ? "compiling" : "running", data);
    else if (event === "output") listener.output(data.stream, textOf(data), data.step);
    else if (event === "test.finished") listener.test(data);
    else if (event === "restarted") listener.state("restarted", data);
    else if (event === "gap") listener.gap();
    else if (event === "execution.finished") this.#end({ kind: "finished", execution: data.execution });
  }

  /** What is not run is told why; true where that is the end. */
  async #refused(response) {
    const problem = await response.json().catch(() => ({}));
    const code = problem.code ?? "";
    if (this.#id && response.status < 500) return this.#end({ kind: "lost" }), true;
    if (response.status === 429 && !BUSY.includes(code)) {
      this.#end({ kind: "limited", wait_s: waitOf(response), policy: problem.policy, policies: response.headers.get("RateLimit-Policy") ?? "" });
      return true;
    }
    if (!this.#id && code === "too_many_watchers") {
      this.#plain = true;
      return false;
    }
    if (!this.#id && (BUSY.includes(code) || response.status === 502 || response.status === 504)) {
      await this.#wait(waitOf(response));
      return this.#over;
    }
    if (this.#id) return false;
    this.#end({ kind: "refused", problem: { status: response.status, ...problem } });
    return true;
  }

  async #wait(wait_s) {
    for (let left = wait_s; left > 0; left--) {
      this.#listener.state("busy", { wait_s: left });
      await sleep(1000);
      if (this.#abort.signal.aborted) return this.#end({ kind: "stopped" });
    }
    this.#listener.state("sending");
  }

  #end(ending) {
    if (this.#over) return;
    this.#over = true;
    this.#listener.ended(ending);
  }
}

/** The text of an output event; bytes that are no text are shown as what they are not. */
function textOf(data) {
  if (data.text !== undefined) return data.text;
  return new TextDecoder().decode(Uint8Array.from(atob(data.base64), (character) => character.charCodeAt(0)));
}
