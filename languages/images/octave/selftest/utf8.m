printf("żółć, 中文 🚀\n");
printf("%s\n", fgetl(stdin));
