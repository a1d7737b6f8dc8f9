console.log("żółć, 中文 🚀");
await Deno.stdin.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream()).pipeTo(Deno.stdout.writable);
