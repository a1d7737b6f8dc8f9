console.log "started"
loop
  continue
