echo leaving
exit 7
