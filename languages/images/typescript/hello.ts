const greeting: string = "Hello from TypeScript!";

console.log(greeting);
