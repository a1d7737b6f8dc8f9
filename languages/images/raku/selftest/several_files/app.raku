use Two;
use Lib::Three;

.say for "one", two, three;
