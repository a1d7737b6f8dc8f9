console.log("Hello from JavaScript with libraries!");
