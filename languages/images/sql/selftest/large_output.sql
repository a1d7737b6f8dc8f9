.mode list
.separator "" ""
SELECT printf('%.*c', 500000, 'y');
.exit 0
