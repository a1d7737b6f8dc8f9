puts "started"
loop { }
