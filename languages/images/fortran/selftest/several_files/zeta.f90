module zeta
    implicit none
    character(3), parameter :: word_two = 'two'
end module zeta
