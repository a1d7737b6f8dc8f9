const greeting: string = "Hello from TypeScript with libraries!";

console.log(greeting);
