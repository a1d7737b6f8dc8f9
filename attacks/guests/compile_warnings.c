#define A(x) x x x x x x x x x x
#define B(x) A(A(x))
#define C(x) B(B(x))
int main(void) { C(undeclared;) C("";) C(1 / 0;) return 0; }
