function shout(text: string): string {
  return text.toUpperCase();
}

console.log(shout("ada"));
console.log(shout(undefined!.name));
