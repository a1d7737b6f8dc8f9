console.log("leaving");
Deno.exit(7);
