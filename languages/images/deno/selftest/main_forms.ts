async function main(): Promise<void> {
  const answer = await Promise.resolve("right");
  console.log(answer);
}

if (import.meta.main) await main();
