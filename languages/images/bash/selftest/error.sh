set -e
first=1
no_such_command "$first"
