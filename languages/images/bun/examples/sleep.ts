for (let number = 1; number <= 5; number++) {
  console.log(number);
  await Bun.sleep(400);
}
