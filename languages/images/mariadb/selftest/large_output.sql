SELECT REPEAT('y', 500000) INTO DUMPFILE '/tmp/letters';
system cat /tmp/letters
exit
