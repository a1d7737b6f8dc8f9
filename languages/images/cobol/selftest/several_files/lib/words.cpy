01 line-one pic x(3) value "one".
