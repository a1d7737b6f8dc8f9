say "started"
do forever
end
