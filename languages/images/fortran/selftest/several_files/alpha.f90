! Its name comes first, and it needs the file whose name comes last.
module alpha
    use :: zeta, only: word_two
    implicit none
contains
    function two()
        character(3) :: two
        two = word_two
    end function two
end module alpha
