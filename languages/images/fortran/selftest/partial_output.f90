program forever
    integer, volatile :: i
    print '(a)', 'started'
    write (*, '(a)', advance='no') 'half a line'
    do
        i = 1
    end do
end program forever
