(import (shapes))

(printf "4 squared is ~a\n" (squared 4))
