signal on notready
do forever
  call charout , charin()
end
notready:
exit
