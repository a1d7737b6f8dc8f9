let number = 0;
const timer = setInterval(() => {
  number += 1;
  console.log(number);
  if (number === 5) clearInterval(timer);
}, 400);
