include "other";

text
