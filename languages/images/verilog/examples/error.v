module main;
  reg [7:0] count;

  initial begin
    count = 1;
    count = cuont + 1;
    $display("%0d", count);
  end
endmodule
