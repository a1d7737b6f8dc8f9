console.log "Hello from CoffeeScript!"
