x = BigInt 42
[factor, increment] = [BigInt(1103515245), BigInt(12345)]
numbers = for i in [1..1_000_000]
  x = BigInt.asUintN 31, x * factor + increment
  Number x
numbers.sort (a, b) -> a - b
console.log numbers[0], numbers[500_000], numbers[999_999]
