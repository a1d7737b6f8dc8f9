program large
    integer :: i
    do i = 1, 500000
        write (*, '(a)', advance='no') 'y'
    end do
    call exit(0)
end program large
