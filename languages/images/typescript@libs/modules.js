"use strict";
// Loaded before every program. One with await outside of functions was compiled into ECMAScript modules, of which package.json
// tells; their imports name files as TypeScript has them, without an ending.
const { existsSync } = require("node:fs");
const { registerHooks } = require("node:module");

if (existsSync("/tmp/out/package.json")) {
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!/^\.{1,2}\//.test(specifier)) throw error;
        for (const ending of [".js", "/index.js"]) {
          try {
            return next(specifier + ending, context);
          } catch {
            continue;
          }
        }
        throw error;
      }
    },
  });
}
