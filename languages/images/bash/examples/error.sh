set -u

name=Ada
echo "Hello, $name!"

echo "Hello, $surname!"
