function shout(text) {
  return text.toUpperCase();
}

console.log(shout("ada"));
console.log(shout(undefined.name));
