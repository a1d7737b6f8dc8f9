echo started
printf 'half a line'
while :; do :; done
