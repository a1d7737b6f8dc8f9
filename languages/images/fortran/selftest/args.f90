program arguments
    character(256) :: argument
    integer :: i
    do i = 1, command_argument_count()
        call get_command_argument(i, argument)
        print '(a)', trim(argument)
    end do
end program arguments
