printf("%s\n", other());
