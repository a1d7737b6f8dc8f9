/** All that the page says, in one place and one language. */

export const lang = "en";

const seconds = (ms) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const limitSeconds = (ms) => (ms % 1000 ? `${ms} ms` : `${ms / 1000} s`);
const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** A number with its thousands apart. @param {number} value */
export function number(value) {
  return value.toLocaleString("en-US");
}

/** Bytes in a unit that fits. @param {number} count */
export function size(count) {
  if (count < 1000) return plural(count, "byte");
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

/** Milliseconds, or seconds from ten thousand on. @param {number} ms */
export function duration(ms) {
  return ms < 10_000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : seconds(ms);
}

/** How a run ended. */
export const ended = {
  cancelled: "stopped",
  sandbox_error: "not run to its end, through no fault of the program",
  rejected: "no turn came in time: nothing was run",
  compile_error: "not compiled",
  timeout_wall: (limits) => `time limit of ${limitSeconds(limits.wall_ms)}`,
  timeout_cpu: (limits) => `limit of CPU time of ${limitSeconds(limits.cpu_ms ?? limits.wall_ms)}`,
  out_of_memory: (limits) => `memory limit of ${limits.memory_mb} MB`,
  output_limit: (limits) => `output limit of ${size(limits.output_bytes)}`,
  signal: (name) => `ended by ${name}`,
  exit: (code) => `exit code ${code}`,
};

/** How a test went. */
export const verdicts = {
  passed: "passed",
  wrong_answer: "wrong answer",
  presentation_error: "wrong white space",
  partial: "partly right",
  nonzero_exit: "exit code not 0",
  signal: "ended by a signal",
  timeout_wall: "time limit",
  timeout_cpu: "CPU time limit",
  out_of_memory: "memory limit",
  output_limit: "output limit",
  compile_error: "not compiled",
  not_started: "not started",
  skipped: "not run",
  cancelled: "stopped",
  checker_error: "checker error",
  sandbox_error: "sandbox error",
};

export const words = {
  idle: "",
  sending: "sending",
  waiting: (position) => (position ? `waiting, ${position} before you` : "waiting"),
  compiling: "compiling",
  running: (ms) => `running ${seconds(ms)}`,
  testing: (done, total) => `testing: ${done} of ${total}`,
  stopping: "stopping",
  resuming: "the connection was cut; going on",
  started_again: "the run was lost, and begins again",
  busy: (wait) => `the server is busy, trying again in ${wait} s`,
  offline: "no connection to the server",
  lost: "the connection was lost, and the run with it",
  elsewhere: "this session is used from another window",
  closing: "the server stops, and has ended the program",
  no_socket: "no terminal can be had: something between here and the server passes no WebSockets on; programs get their input from the Input tab",
  limited: (policy, wait) => `out of ${policy}: ${wait} s`,
  limited_said: (wait) => `That were as many runs as you may have for now. Running is possible again in ${wait} s.`,
  needs_key: "This server runs programs with an API key only: type yours under Input.",
  refused: (detail) => `not run: ${detail}`,
  server_fault: "the server has made a mistake, which is in its log",
  unavailable: "the server cannot run programs at the moment",
  ended,
  status: {
    finished: (title, lines) => `finished: ${title}, ${plural(lines, "line")}`,
    over: (title) => `finished: ${title}`,
    tests: (passed, total) => `finished: ${passed} of ${plural(total, "test")} passed`,
  },
  facts: {
    cpu: (ms) => `CPU ${duration(ms)}`,
    waited: (ms) => `waited ${duration(ms)}`,
    compiled: (ms) => `compiled in ${duration(ms)}`,
    id: "Copy the id of this execution",
  },
  output: {
    none_yet: "What the program prints is shown here.",
    nothing: "The program printed nothing.",
    label: "Output",
    stderr: "stderr: ",
    copy: "Copy",
    copied: "Copied",
    download: "Download",
    wrap: "Wrap",
    cut: (bytes) => `The output was cut at ${size(bytes)}.`,
    gap: "Some of the output was lost on the way.",
    more_lines: (count) => `${number(count)} more lines: show all`,
    more_characters: (count) => `${plural(count, "more character")} in this line`,
    go_to: (file, line) => `Go to line ${line} of ${file}`,
    retry: "Try again",
  },
  files: {
    label: "Files",
    add: "Add a file",
    rename: (name) => `Rename ${name}`,
    remove: (name) => `Delete ${name}`,
    removed: (name) => `${name} is deleted.`,
    undo: "Undo",
    name: "Name",
    cancel: "Cancel",
    keep: "Keep",
    bad_name: "A name has letters, digits, and . _ - / in it, leads nowhere else, and is not there yet.",
    too_large: (most) => `All files together may have ${size(most)}.`,
    binary_long: (name, bytes) => `${name} is no text: ${size(bytes)}, given to the program as it is.`,
    zip: "Download all as zip",
    drop: "Drop files here",
    rename_button: "Rename",
    delete_button: "Delete",
  },
  terminal: {
    title: "Terminal",
    label: "Terminal: what you type goes to the program",
    hint:
      "Run, with this tab open, runs the program here. Tab and all other keys are the program's: F6 leaves the terminal. " +
      "Ctrl+Shift+C and Ctrl+Shift+V copy and paste.",
    off: "This server has no terminals: programs get their input from the Input tab.",
    reader: "Screen reader",
    interrupt: "Interrupt: type ^C",
    end_of_input: "End of input: type ^D",
    paste: "Paste",
    no_paste: "The browser lets this page read no clipboard: paste with Ctrl+Shift+V, or the browser's menu.",
    too_long: "That was not typed: the program has not taken what came before.",
    too_much: "Too much is printed to be read out; it is in the terminal.",
    cut: "the connection was cut; the program waits",
    back: "the connection is back",
    away: (left) => `the connection was cut: the program waits for ${left} s more`,
    ended_for: (cause) => `ended: ${cause}`,
    silent: (left) => `running; ends in ${left} s if nothing is typed or printed`,
    silent_said: (left) => `Are you still there? The program ends in ${left} s if nothing is typed or printed.`,
  },
  source: (language, file) => `Source, ${language}, ${file}`,
  draft: {
    yours: "This is your draft.",
    reset: "Reset to the example",
    was_reset: "The example is back.",
    loaded: (title) => `“${title}” is loaded.`,
    undo: "Undo",
  },
  share: {
    title: "Share",
    intro: "The program is in the link itself; nothing is stored on the server.",
    copy: "Copy the link",
    length: (count) => `${number(count)} characters.`,
    long: "Some chats cut links as long as this.",
    too_long: "That is too long for a link that works everywhere: download the files as zip instead.",
    no_compression: "This browser cannot make links.",
    from_link: "From a link: look before you run.",
    back: "Back to my draft",
    unreadable: "The link is broken: its program cannot be read.",
    unknown_version: "The link was made by another version of this page: its program cannot be read.",
    too_large: "The link holds more than a program may have.",
    store: "Store on the server",
    stored: "Stored, for everybody who has the address:",
    not_stored: (why) => `Not stored: ${why}`,
    yours: "You have stored this program.",
    remove: "Delete it",
    removed: "It is deleted.",
    not_removed: "It could not be deleted.",
    unknown_language: (slug) => `The link is for ${slug}, which is not installed here.`,
  },
  api: {
    intro: "The same run, from a program of yours.",
    label: "Client",
    copy: "Copy",
    more: "The API",
  },
  tests: {
    name: "Name",
    stdin: "Input",
    expected: "Expected output",
    verdict: "Verdict",
    intro: "Each test runs the program once with its input, and compares the output.",
    run: "Run tests",
    add: "Add test",
    duplicate: (name) => `Duplicate ${name}`,
    remove: (name) => `Delete ${name}`,
    paste: "Paste",
    paste_hint:
      "Pairs of input and expected output, each behind a line with --- ; or the tests of the API as JSON: " +
      '[{"stdin": "…", "expected_stdout": "…"}]',
    paste_bad: "These are no tests: an even number of parts between lines of ---, or a list in JSON.",
    paste_do: "Add these tests",
    export: "Copy as JSON",
    diff: (name) => `What ${name} printed, beside what was expected`,
    difference: "Difference",
    legend: "− expected, + printed; spaces are · and tabs are →",
    same: "The output is as expected.",
    unnamed: (index) => `Test ${index + 1}`,
    none: "There are no tests yet.",
    verdicts,
  },
  settings: {
    title: "Settings",
    theme: "Colours",
    themes: { system: "As the system", light: "Light", dark: "Dark" },
    text: "Size of the text",
    tab: "Width of a tab",
    close: "Close",
  },
  keys: {
    title: "Keys",
    rows: [
      ["Mod+Enter", "Run"],
      ["Mod+Shift+Enter", "Run the tests"],
      ["Mod+.", "Stop"],
      ["Mod+S", "Share"],
      ["F6, Shift+F6", "Next, previous part of the page: also out of the editor and the terminal"],
      ["Esc, then Tab", "Leave the editor"],
      ["Ctrl+Shift+C, Ctrl+Shift+V", "Copy and paste in the terminal; Ctrl+C copies as well where something is selected, and is ^C else"],
      ["Ctrl+M", "Let Tab move on in the editor, or indent again (on a Mac Shift+Alt+M)"],
      ["Mod+/", "Comment, or not"],
      ["Mod+F", "Find in the editor"],
      ["F1", "This list"],
    ],
  },
  no_language: "No language is enabled yet.",
};
