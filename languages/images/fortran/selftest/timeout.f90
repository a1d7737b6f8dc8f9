program forever
    integer, volatile :: i
    print '(a)', 'started'
    do
        i = 1
    end do
end program forever
