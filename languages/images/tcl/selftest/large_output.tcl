puts -nonewline [string repeat y 500000]
exit 0
