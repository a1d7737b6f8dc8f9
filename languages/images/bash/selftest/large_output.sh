printf -v letters '%1000s'
for _ in {1..500}; do
    printf %s "${letters// /y}"
done
exit
