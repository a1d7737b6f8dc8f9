module main;
  reg [127:0] big;

  initial begin
    big = 1;
    big = big << 100;
    $display("bigint: %0d", big);
  end
endmodule
