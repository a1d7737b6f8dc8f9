program several
    use texts
    print '(a)', text()
end program several
