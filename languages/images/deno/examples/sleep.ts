for (let number = 1; number <= 5; number++) {
  console.log(number);
  await new Promise((resolve) => setTimeout(resolve, 400));
}
