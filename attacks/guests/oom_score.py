# Whom the host's kernel ends when memory is short: a program must not make itself less likely than the host's services.
for value in (b"-1000", b"-500", b"-1"):
    blocked(f"oom_score_adj {value.decode()}", write, "/proc/self/oom_score_adj", value)
done()
