[1, 2]
| map(. + 1)
| undeclared
