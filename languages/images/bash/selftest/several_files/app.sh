source ./two.sh
source lib/three.sh
echo one
two
three
