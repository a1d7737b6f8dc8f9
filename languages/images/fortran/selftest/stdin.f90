program echo
    character(256) :: line
    integer :: length, status
    do
        read (*, '(a)', iostat=status) line
        if (status /= 0) exit
        length = len_trim(line)
        print '(a)', line(:length)
    end do
end program echo
