for await (const part of Deno.stdin.readable) await Deno.stdout.write(part);
