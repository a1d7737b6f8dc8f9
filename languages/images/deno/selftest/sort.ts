let x = 42n;
const numbers: number[] = [];
for (let i = 0; i < 1_000_000; i++) {
  x = BigInt.asUintN(31, x * 1103515245n + 12345n);
  numbers.push(Number(x));
}
numbers.sort((a, b) => a - b);
console.log(numbers[0], numbers[500_000], numbers[999_999]);
