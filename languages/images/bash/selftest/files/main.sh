source ./text.sh
text
