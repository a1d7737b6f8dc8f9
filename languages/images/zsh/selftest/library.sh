typeset -A counts
for letter in a a b; do
    (( counts[$letter]++ ))
done
print "collections: a=$counts[a] b=$counts[b]"
[[ "on 2024-03-01" =~ '([0-9]{4})-([0-9]{2})' ]] && print "regex: $match"
print "json: $(jq -c .list <<< '{"list": [1, 2, 3]}')"
print "bigint: $(bc <<< '2 ^ 100')"
print "sort: "$(print -l pear fig apple | sort)
print "date: $(date -d '2024-02-28 + 2 days' +%F)"
for number in {1..4}; do
    (print $number > part$number) &
done
wait
print "threads: $(( $(cat part* | paste -sd+) ))"
