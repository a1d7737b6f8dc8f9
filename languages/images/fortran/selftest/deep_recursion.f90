program main
  print '(i0)', depth(200000)
contains
  recursive integer function depth(left) result(found)
    integer, intent(in) :: left
    found = 0
    if (left > 0) found = 1 + depth(left - 1)
  end function
end program
