const char *two(void);
