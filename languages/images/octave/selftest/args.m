printf("%s\n", argv(){:});
