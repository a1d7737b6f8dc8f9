module main;
  integer number, found;

  initial begin
    found = $fscanf('h8000_0000, "%d", number);
    if (number % 15 == 0) $display("FizzBuzz");
    else if (number % 3 == 0) $display("Fizz");
    else if (number % 5 == 0) $display("Buzz");
    else $display("%0d", number);
  end
endmodule
