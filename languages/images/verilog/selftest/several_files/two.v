module two(output [8*3:1] text);
  assign text = "two";
endmodule
