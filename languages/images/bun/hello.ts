const greeting: string = "Hello from Bun!";

console.log(greeting);
