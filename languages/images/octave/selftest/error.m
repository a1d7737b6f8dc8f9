first = 1;

second = first + + ) 2;
