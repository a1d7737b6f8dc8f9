/** Talks to a program over a WebSocket while it runs: what it prints, what is typed, and coming back after a cut. */

const PATH = "/api/v1/executions/ws";
const BUSY = ["no_slot", "queue_full", "shutting_down", "too_many_concurrent"];
const STOP_MS = 1500;
/** What was shown is acknowledged at the latest after so much, or so long: the server lets 256 KiB be on their way. */
const ACK_PLACES = 32 * 1024;
const ACK_MS = 50;
/** One message of what is typed has at most so many characters. */
const PIECE = 2048;
/** What is typed and not taken yet: a paste larger than that is a mistake. */
export const TYPED_MOST = 1 << 20;
const AGAIN_MS = [100, 500, 1000, 2000];
/** A connection that is not there after so long is tried again. */
const CONNECT_MS = 5000;
/** How long before the end for silence one is asked. */
const WARNING_S = 30;
const GOING_AWAY = 1001;
const OWN_CODES = 4000;

/**
 * What becomes of it is told as by a Run (runner.js), and beside that:
 *   output(stream, text or bytes, step, shown), of which `shown` is called once it was shown;
 *   state("running", {ms, silent_s}), `silent_s` where it ends soon for silence; state("away", {left_s}); state("back");
 *   ended({kind: "finished", execution, cause}), `cause` where it did not end by itself;
 *   ended({kind: "elsewhere"}), for another connection has it; ended({kind: "closing"}), for the server stops;
 *   ended({kind: "no_socket"}), for nothing lets a WebSocket through.
 * @typedef {import("./runner.js").Listener} Listener
 * @typedef {{cols: number, rows: number}} Size
 */

export class Talk {
  #listener;
  #headers;
  /** @type {WebSocket | null} */
  #socket = null;
  #first = {};
  #id = "";
  #token = "";
  #after = -1;
  #shown = -1;
  #acked = -1;
  #ackTimer = 0;
  #room = 0;
  /** @type {{said: any, bytes: number}[]} */
  #typed = [];
  #typedBytes = 0;
  #bounds = { idle_s: 120, detach_s: 30 };
  #problem = null;
  #retry_s = 0;
  #over = false;
  #stopped = false;
  #began = 0;
  #active = 0;
  #clock = 0;
  #cutAt = 0;
  #tries = 0;

  /** @param {Listener} listener @param {Record<string, string>} headers of every request */
  constructor(listener, headers) {
    this.#listener = listener;
    this.#headers = headers;
  }

  /** @param {any} body of POST /api/v1/executions @param {Size} size of the screen */
  start(body, size) {
    this.#first = { type: "start", execution: body, tty: size };
    this.#listener.state("sending");
    this.#connect();
  }

  /** Whether it took it; what there is no room for waits here. @param {string} text */
  type(text) {
    const pieces = text.toWellFormed().match(new RegExp(`[^]{1,${PIECE}}`, "gu")) ?? [];
    return this.#queue(pieces.map((piece) => ({ said: { type: "stdin", text: piece }, bytes: new TextEncoder().encode(piece).length })));
  }

  /** @param {string} binary a character for each byte */
  typeBytes(binary) {
    return this.#queue([{ said: { type: "stdin", base64: btoa(binary) }, bytes: binary.length }]);
  }

  /** @param {Size} size */
  resize(size) {
    // One that is not there yet begins with it.
    if (this.#first.tty) this.#first.tty = size;
    this.#say({ type: "resize", ...size });
  }

  /** End it; what it has printed stays. */
  async stop() {
    this.#stopped = true;
    this.#listener.state("stopping");
    if (this.#socket?.readyState === WebSocket.OPEN) this.#say({ type: "cancel" });
    else this.leave();
    if (this.#id) await new Promise((resolve) => setTimeout(resolve, STOP_MS));
    this.#end({ kind: "stopped" });
  }

  /** The page goes, with which a socket's last message does not leave: nobody talks to it any more. */
  leave() {
    if (this.#over || !this.#id) return;
    const headers = this.#token ? { ...this.#headers, "X-Access-Token": this.#token } : this.#headers;
    fetch(`/api/v1/executions/${this.#id}/cancel`, { method: "POST", headers, keepalive: true }).catch(() => {});
  }

  /** A WebSocket of a page has no headers: what stands there elsewhere are subprotocols. */
  get #protocols() {
    const key = this.#headers.Authorization?.split(" ")[1];
    const page = this.#headers["X-Page-Token"];
    return [
      "gexec.v1",
      ...[key, this.#token].filter(Boolean).map((token) => `gexec.token.${token}`),
      // A colon has no place in the name of one.
      ...(page ? [`gexec.page.${page.replaceAll(":", "~")}`] : []),
    ];
  }

  #connect() {
    if (this.#over) return;
    const url = `${location.protocol.replace("http", "ws")}//${location.host}${PATH}`;
    let socket;
    try {
      socket = new WebSocket(url, this.#protocols);
    } catch {
      // The key has characters in it that none has.
      return this.#end({ kind: "refused", problem: { status: 401, code: "unauthorized" } });
    }
    this.#socket = socket;
    this.#problem = null;
    let opened = false;
    const given = setTimeout(() => socket.close(), CONNECT_MS);
    socket.onopen = () => {
      opened = true;
      clearTimeout(given);
      socket.send(JSON.stringify(this.#id ? { type: "attach", id: this.#id, after: this.#after } : this.#first));
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code, reason }) => {
      clearTimeout(given);
      if (socket === this.#socket) this.#closed(opened, code, reason);
    };
  }

  #say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // What is typed

  #queue(pieces) {
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    if (this.#typedBytes + bytes > TYPED_MOST) return false;
    this.#typedBytes += bytes;
    this.#typed.push(...pieces);
    this.#flush();
    return true;
  }

  #flush() {
    while (this.#typed.length && this.#typed[0].bytes <= this.#room && this.#socket?.readyState === WebSocket.OPEN) {
      const { said, bytes } = this.#typed.shift();
      this.#room -= bytes;
      this.#typedBytes -= bytes;
      this.#active = performance.now();
      this.#say(said);
    }
  }

  // What is told

  #take(message) {
    const listener = this.#listener;
    const { type, seq, to } = message;
    const place = seq ?? to;
    if (place !== undefined) this.#after = place;
    if (type === "window") this.#roomFor(message);
    else if (type === "output") this.#print(message);
    else if (type === "execution.queued") {
      this.#id = message.id;
      this.#token ||= message.access_token ?? "";
      if (!this.#stopped) listener.state("waiting", message);
    } else if (type === "execution.started") listener.state("started", message);
    else if (type === "step.started") this.#step(message.step);
    else if (type === "gap") listener.gap();
    else if (type === "execution.finished") this.#finished(message);
    else if (type === "error") {
      this.#problem = message.problem;
      this.#retry_s = message.retry_after_s ?? 0;
    }
  }

  #finished({ execution, cause }) {
    if (!execution) this.#end({ kind: "lost" });
    else this.#end({ kind: "finished", execution, cause });
  }

  #roomFor({ stdin_bytes, output_bytes, idle_s, detach_s }) {
    if (output_bytes === undefined) this.#room += stdin_bytes;
    else {
      // The first of a connection, which tells all bounds.
      this.#room = stdin_bytes;
      this.#bounds = { idle_s, detach_s };
      if (this.#cutAt) this.#back();
    }
    this.#flush();
  }

  #back() {
    this.#cutAt = this.#tries = 0;
    this.#listener.state("back");
    if (this.#began) this.#ticks();
  }

  #step(step) {
    if (step === "compile") return this.#listener.state("compiling");
    this.#began = this.#active = performance.now();
    this.#ticks();
  }

  #ticks() {
    clearInterval(this.#clock);
    const tick = () => {
      if (this.#stopped) return;
      const now = performance.now();
      const left = Math.max(0, Math.ceil(this.#bounds.idle_s - (now - this.#active) / 1000));
      this.#listener.state("running", { ms: now - this.#began, silent_s: left <= Math.min(WARNING_S, this.#bounds.idle_s / 2) ? left : null });
    };
    tick();
    this.#clock = setInterval(tick, 1000);
  }

  #print({ stream, text, base64, step, seq }) {
    this.#active = performance.now();
    const bytes = text ?? Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    this.#listener.output(stream, bytes, step, () => this.#show(seq));
  }

  #show(place) {
    this.#shown = Math.max(this.#shown, place);
    if (this.#shown - this.#acked >= ACK_PLACES) this.#ack();
    else this.#ackTimer ||= setTimeout(() => this.#ack(), ACK_MS);
  }

  #ack() {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = 0;
    if (this.#over || this.#shown <= this.#acked) return;
    this.#acked = this.#shown;
    this.#say({ type: "ack", seq: this.#shown });
  }

  // How a connection ends

  #closed(opened, code, reason) {
    if (this.#over) return;
    clearInterval(this.#clock);
    if (this.#stopped) return this.#end({ kind: "stopped" });
    if (code === GOING_AWAY && this.#id) return this.#end({ kind: "closing" });
    if (code >= OWN_CODES || this.#problem) return this.#refused(reason);
    if (code === GOING_AWAY) return this.#wait(2);
    if (this.#id) return this.#comeBack();
    if (opened) return this.#end({ kind: "offline" });
    this.#ask();
  }

  #refused(reason) {
    const problem = this.#problem ?? { code: reason };
    const { code } = problem;
    if (code === "attached_elsewhere") return this.#end({ kind: "elsewhere" });
    // To come back counts as a request, too.
    if (this.#cutAt) return this.#retry_s ? this.#comeBack() : this.#end({ kind: "lost" });
    if (!this.#id && BUSY.includes(code)) return this.#wait(this.#retry_s || 2);
    if (!this.#id && problem.status === 429) return this.#end({ kind: "limited", wait_s: this.#retry_s || 2, policy: "runs" });
    this.#end({ kind: "refused", problem });
  }

  /** Begin again in so many seconds. */
  #wait(wait_s) {
    let left = Math.max(1, Math.ceil(wait_s));
    const tick = () => {
      if (this.#over) return;
      if (left <= 0) {
        clearInterval(this.#clock);
        this.#listener.state("sending");
        return this.#connect();
      }
      this.#listener.state("busy", { wait_s: left });
      left -= 1;
    };
    tick();
    this.#clock = setInterval(tick, 1000);
  }

  /** The connection was cut: the program waits for a while. */
  #comeBack() {
    const now = performance.now();
    this.#cutAt ||= now;
    const left = () => Math.ceil(this.#bounds.detach_s - (performance.now() - this.#cutAt) / 1000);
    if (left() <= 0) return this.#end({ kind: "lost" });
    const tick = () => {
      if (left() > 0) this.#listener.state("away", { left_s: left() });
    };
    tick();
    this.#clock = setInterval(tick, 1000);
    setTimeout(() => this.#connect(), Math.max(AGAIN_MS[Math.min(this.#tries, AGAIN_MS.length - 1)], this.#problem ? this.#retry_s * 1000 : 0));
    this.#tries += 1;
  }

  /** No WebSocket came to be: is the server there at all? */
  async #ask() {
    try {
      await fetch("/favicon.ico", { method: "HEAD", cache: "no-store" });
      this.#end({ kind: "no_socket" });
    } catch {
      this.#end({ kind: "offline" });
    }
  }

  #end(ending) {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#clock);
    clearTimeout(this.#ackTimer);
    this.#listener.ended(ending);
    this.#socket?.close();
  }
}
