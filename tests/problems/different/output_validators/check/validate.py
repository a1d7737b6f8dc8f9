"""Any number but the given one, from 0 to 9. Called as the package format says."""

import sys

ACCEPTED, WRONG = 42, 43


def main() -> None:
    given, _answer, feedback = sys.argv[1:4]
    with open(given) as file:
        number = int(file.read())
    words = sys.stdin.read().split()
    message = ""
    if len(words) != 1 or not words[0].isdecimal():
        message = "not one number"
    elif not 0 <= int(words[0]) <= 9 or int(words[0]) == number:
        message = f"{words[0]} is not allowed"
    with open(feedback + "judgemessage.txt", "w") as file:
        file.write(message + "\n")
    sys.exit(WRONG if message else ACCEPTED)


main()
