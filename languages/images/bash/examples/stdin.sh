count=0 sum=0
while read -r number; do
    count=$((count + 1))
    sum=$((sum + number))
done
echo "$count numbers, sum $sum"
