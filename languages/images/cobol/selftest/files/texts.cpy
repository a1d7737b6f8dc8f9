01 line-out pic x(17) value "from another file".
