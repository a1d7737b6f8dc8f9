for (const name of process.argv.slice(2)) {
  console.log(`Hello, ${name}!`);
}
