for await (const part of Bun.stdin.stream()) process.stdout.write(part);
