const greeting: string = "Hello from Deno!";

console.log(greeting);
