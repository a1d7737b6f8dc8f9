call charout , copies("y", 500000)
exit 0
