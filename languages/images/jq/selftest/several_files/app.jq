import "two" as two;
import "lib/three" as three;

"one", two::text, three::text
