const numbers = new Int32Array(20_000_000).fill(1);
console.log(numbers.length);
