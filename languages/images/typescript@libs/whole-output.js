"use strict";
// Loaded before every program. Node writes to a pipe without waiting, and process.exit() drops what has not gone out;
// a pipe that blocks takes each write as a whole, as a file or a terminal does.
for (const name of ["stdout", "stderr"]) {
  const property = Object.getOwnPropertyDescriptor(process, name);
  const { get } = property;
  property.get = function () {
    const stream = get.call(this);
    stream._handle?.setBlocking?.(true);
    property.get = get;
    Object.defineProperty(process, name, { ...property, get });
    return stream;
  };
  Object.defineProperty(process, name, property);
}
