console.log "Hello, #{name}!" for name in process.argv[2..]
