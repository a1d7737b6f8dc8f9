printf("started\n");
printf("half a line");
while true
end
