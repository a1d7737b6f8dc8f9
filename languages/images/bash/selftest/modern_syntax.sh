declare -A parts=([first]=mod [second]=ern)
declare -n word=parts
mapfile -t lines < <(printf '%s\n' "${word[first]}" "${word[second]}")
shopt -s extglob
text="${lines[*]@Q}"
[[ $text =~ ^\'(mod)\'\ \'(ern)\'$ ]] && printf -v found '%s' "${BASH_REMATCH[@]:1}"
echo "${found,,}"
