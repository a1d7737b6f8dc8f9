fs = require "node:fs"

console.log "żółć, 中文 🚀"
process.stdout.write fs.readFileSync 0, "utf8"
