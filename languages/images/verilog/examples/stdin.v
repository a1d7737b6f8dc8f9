module main;
  integer number, count, sum;

  initial begin
    count = 0;
    sum = 0;
    while ($fscanf('h8000_0000, "%d", number) == 1) begin
      count = count + 1;
      sum = sum + number;
    end
    $display("%0d numbers, sum %0d", count, sum);
  end
endmodule
