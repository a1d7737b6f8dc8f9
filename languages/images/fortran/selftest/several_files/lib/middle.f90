module middle
    implicit none
    character(5), parameter :: word = 'three'
end module middle
