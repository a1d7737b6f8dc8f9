console.log("żółć, 中文 🚀");
process.stdout.write(await Bun.stdin.text());
