puts "started"
while {1} {}
