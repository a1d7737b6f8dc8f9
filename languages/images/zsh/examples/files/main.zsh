source ./shapes.sh
echo "4 squared is $(squared 4)"
