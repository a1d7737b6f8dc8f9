"use strict";
// Loaded before every program. Tests written with describe and it, in Mocha's words or in Jest's, run when the program has
// come to its end, and the exit code is 1 where one fails. Nothing is loaded before the program names one of these words.
const { format, inspect } = require("node:util");

const MOCHA = {
  describe: "describe",
  context: "describe",
  xdescribe: "xdescribe",
  it: "it",
  specify: "it",
  xit: "xit",
  before: "before",
  after: "after",
  beforeEach: "beforeEach",
  afterEach: "afterEach",
  test: "it",
  xtest: "xit",
  beforeAll: "before",
  afterAll: "after",
};
let words;

function wordsOfTests() {
  if (words) return words;
  const Mocha = require("/node_modules/mocha");
  const mocha = new (Mocha.default ?? Mocha)({ ui: "bdd", reporter: "spec", color: false, timeout: 5000 });
  words = {};
  mocha.suite.emit("pre-require", words, null, mocha);
  for (const each of [words.describe, words.describe.only, words.it, words.it.only]) {
    each.each = eachOf(each);
  }
  for (const each of [words.xdescribe, words.xit]) each.each = eachOf(each);
  words.it.todo = (title) => words.it(title);
  words.it.concurrent = words.it;
  words.setTimeout = (ms) => mocha.timeout(ms);
  process.once("beforeExit", () => {
    mocha.run((failures) => {
      if (failures > 0) process.exitCode = 1;
    });
  });
  return words;
}

// test.each([[1, 2], [3, 4]])("%i and %i", (a, b) => {}), and a table as a template.
function eachOf(define) {
  return (table, ...values) => (title, body, timeout) => {
    rowsOf(table, values).forEach((row, number) => {
      const test =
        body.length > row.length
          ? function (done) { return body.call(this, ...row, done); }
          : function () { return body.apply(this, row); };
      const made = define(titleOf(title, row, number), test);
      if (timeout !== undefined) made?.timeout?.(timeout);
    });
  };
}

function rowsOf(table, values) {
  if (!table.raw) return [...table].map((row) => (Array.isArray(row) ? row : [row]));
  const names = table[0].split("|").map((name) => name.trim());
  const rows = [];
  for (let at = 0; at < values.length; at += names.length) {
    rows.push([Object.fromEntries(names.map((name, column) => [name, values[at + column]]))]);
  }
  return rows;
}

function titleOf(title, row, number) {
  const left = [...row];
  return title.replace(/%[sdifjoOp#%]|\$([\w.]+)/g, (found, path) => {
    if (path === "#" || found === "%#") return String(number);
    if (found === "%%") return "%";
    if (path) {
      const value = path.split(".").reduce((part, name) => part?.[name], row[0]);
      return value === undefined ? found : typeof value === "string" ? value : inspect(value);
    }
    if (left.length === 0) return found;
    return found === "%p" ? inspect(left.shift()) : format(found, left.shift());
  });
}

function jestObject() {
  const { ModuleMocker } = require("/node_modules/jest-mock");
  const mocker = new ModuleMocker(globalThis);
  const jest = { mocked: (value) => value, setTimeout: (ms) => wordsOfTests().setTimeout(ms) };
  for (const name of ["fn", "spyOn", "replaceProperty", "isMockFunction", "clearAllMocks", "resetAllMocks", "restoreAllMocks"]) {
    jest[name] = (...given) => mocker[name](...given) ?? jest;
  }
  return jest;
}

function provide(name, make) {
  const set = (value) => Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: true });
  Object.defineProperty(globalThis, name, {
    get() {
      const value = make();
      set(value);
      return value;
    },
    set,
    configurable: true,
  });
}

for (const [name, mochas] of Object.entries(MOCHA)) provide(name, () => wordsOfTests()[mochas]);
provide("expect", () => require("/node_modules/expect").expect);
provide("jest", jestObject);
