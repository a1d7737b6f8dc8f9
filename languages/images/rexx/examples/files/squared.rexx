parse arg side
return side * side
