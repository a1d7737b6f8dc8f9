module texts
contains
    function text()
        character(17) :: text
        text = 'from another file'
    end function text
end module texts
