char table[1UL << 33] = {1};
int main(void) { return table[1UL << 32]; }
