printf("started\n");
while true
end
