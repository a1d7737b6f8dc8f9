console.log("started");
Deno.stdout.writeSync(new TextEncoder().encode("half a line"));
while (true) {}
