for (const name of Bun.argv.slice(2)) {
  console.log(`Hello, ${name}!`);
}
