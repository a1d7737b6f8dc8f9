package Gexec::Autoflush;
# Loaded before every program: what was printed is out, so that a crash or a time-out does not swallow it.
$| = 1;
1;
