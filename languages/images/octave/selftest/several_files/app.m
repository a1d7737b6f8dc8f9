addpath("lib");
printf("one\n%s\n%s\n", two(), three());
