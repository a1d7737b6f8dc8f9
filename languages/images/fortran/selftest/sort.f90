program sorting
    implicit none
    integer, parameter :: long = selected_int_kind(18), count = 1000000
    integer(long) :: numbers(count), spare(count), x
    integer :: i
    x = 42
    do i = 1, count
        x = mod(x * 1103515245_long + 12345_long, 2147483648_long)
        numbers(i) = x
    end do
    call merge_sort(1, count)
    print '(i0, 1x, i0, 1x, i0)', numbers(1), numbers(500001), numbers(count)
contains
    recursive subroutine merge_sort(first, last)
        integer, intent(in) :: first, last
        integer :: middle, left, right, k
        if (first >= last) return
        middle = (first + last) / 2
        call merge_sort(first, middle)
        call merge_sort(middle + 1, last)
        spare(first:last) = numbers(first:last)
        left = first
        right = middle + 1
        do k = first, last
            if (left > middle) then
                numbers(k) = spare(right); right = right + 1
            else if (right > last) then
                numbers(k) = spare(left); left = left + 1
            else if (spare(left) <= spare(right)) then
                numbers(k) = spare(left); left = left + 1
            else
                numbers(k) = spare(right); right = right + 1
            end if
        end do
    end subroutine merge_sort
end program sorting
