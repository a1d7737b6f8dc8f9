program unicode
    character(256) :: line
    print '(a)', 'żółć, 中文 🚀'
    read '(a)', line
    print '(a)', trim(line)
end program unicode
