module main;
  reg [15:0] side;
  wire [15:0] area;

  squared shape(side, area);
  initial begin
    side = 4;
    #1 $display("%0d squared is %0d", side, area);
  end
endmodule
