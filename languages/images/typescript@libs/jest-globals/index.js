"use strict";
// What tests.js has made, for programs that import it.
exports.describe = globalThis.describe;
exports.it = globalThis.it;
exports.test = globalThis.test;
exports.beforeAll = globalThis.beforeAll;
exports.beforeEach = globalThis.beforeEach;
exports.afterEach = globalThis.afterEach;
exports.afterAll = globalThis.afterAll;
exports.expect = globalThis.expect;
exports.jest = globalThis.jest;
