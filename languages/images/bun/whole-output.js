"use strict";
// Loaded before every program. Bun writes what it is given as process.stdout.write in the background, and process.exit() drops
// what has not gone out; here each write is a whole one, as those of console.log are.
const { writeSync } = require("node:fs");
const pause = new Int32Array(new SharedArrayBuffer(4));

function writeAll(fd, bytes) {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

for (const name of ["stdout", "stderr"]) {
  const property = Object.getOwnPropertyDescriptor(process, name);
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      Object.defineProperty(process, name, property);
      const stream = process[name];
      if (stream.isTTY) return stream;
      // Without the shorter ways of its own, all that is written comes through this one.
      delete stream.write;
      stream._writev = undefined;
      stream._write = (chunk, encoding, done) => {
        try {
          writeAll(stream.fd, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
          done();
        } catch (error) {
          done(error);
        }
      };
      return stream;
    },
  });
}
