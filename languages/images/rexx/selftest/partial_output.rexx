say "started"
call charout , "half a line"
do forever
end
