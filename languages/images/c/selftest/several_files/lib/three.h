const char *three(void);
