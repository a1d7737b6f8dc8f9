identification division.
program-id. unicode.
data division.
working-storage section.
01 line-in pic x(80).
procedure division.
    display "żółć, 中文 🚀"
    accept line-in
    display function trim(line-in trailing)
    stop run.
