module squared(input [15:0] side, output [15:0] area);
  assign area = side * side;
endmodule
