import process from "node:process";

process.stdout.write("y".repeat(500000));
Deno.exit(0);
