for number in 1 2 3 4 5; do
    echo "$number"
    sleep 0.4
done
