identification division.
program-id. several.
data division.
working-storage section.
copy "texts.cpy".
procedure division.
    display line-out
    stop run.
