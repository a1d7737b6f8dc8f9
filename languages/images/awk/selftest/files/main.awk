@include "other.awk"

BEGIN { print text() }
