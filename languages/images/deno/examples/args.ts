for (const name of Deno.args) {
  console.log(`Hello, ${name}!`);
}
