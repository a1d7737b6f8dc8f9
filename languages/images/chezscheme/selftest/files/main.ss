(import (other))

(display (text))
(newline)
