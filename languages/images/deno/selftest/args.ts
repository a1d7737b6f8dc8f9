for (const argument of Deno.args) console.log(argument);
