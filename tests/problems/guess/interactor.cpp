// Thinks of a number, and answers guesses.
#include "testlib.h"

#include <iostream>

using namespace std;

int main(int argc, char *argv[]) {
    registerInteraction(argc, argv);
    int secret = inf.readInt();
    for (int turn = 1; turn <= 7; turn++) {
        int guess = ouf.readInt(1, 100, "guess");
        tout << guess << endl;
        cout << (guess < secret ? ">" : guess > secret ? "<" : "=") << endl;
        if (guess == secret) quitf(_ok, "%d guesses", turn);
    }
    quitf(_wa, "too many guesses");
}
