console.log "started"
process.stdout.write "half a line"
loop
  continue
