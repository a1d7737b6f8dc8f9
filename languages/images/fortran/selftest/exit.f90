program leave
    print '(a)', 'leaving'
    stop 7
end program leave
