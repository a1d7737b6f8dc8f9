const number = Number(await new Response(Deno.stdin.readable).text());
const words = (number % 3 === 0 ? "Fizz" : "") + (number % 5 === 0 ? "Buzz" : "");
console.log(words || number);
