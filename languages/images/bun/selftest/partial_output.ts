console.log("started");
process.stdout.write("half a line");
while (true) {}
