program app
    use alpha, only: two
    implicit none
    print '(a)', 'one'
    print '(a)', two()
    print '(a)', three()
contains
    function three()
        use middle, only: word
        character(5) :: three
        three = word
    end function three
end program app
