declare -A counts
for letter in a a b; do
    ((counts[$letter]++))
done
echo "collections: a=${counts[a]} b=${counts[b]}"
[[ "on 2024-03-01" =~ ([0-9]{4})-([0-9]{2}) ]] && echo "regex: ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
echo "json: $(jq -c .list <<< '{"list": [1, 2, 3]}')"
echo "bigint: $(bc <<< '2 ^ 100')"
echo "sort:" $(printf '%s\n' pear fig apple | sort)
echo "date: $(date -d '2024-02-28 + 2 days' +%F)"
for number in 1 2 3 4; do
    (echo "$number" > "part$number") &
done
wait
echo "threads: $(($(cat part*| paste -sd+)))"
