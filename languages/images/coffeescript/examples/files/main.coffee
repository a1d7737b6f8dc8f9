{ squared } = require "./shapes"

console.log "4 squared is #{squared 4}"
