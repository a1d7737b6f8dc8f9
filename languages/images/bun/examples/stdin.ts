const text = await Bun.stdin.text();
const numbers = text.split(/\s+/).filter(Boolean).map(Number);
const sum = numbers.reduce((total, number) => total + number, 0);
console.log(`${numbers.length} numbers, sum ${sum}`);
