module app;
  wire [8*3:1] two;
  wire [8*5:1] three;

  two second(two);
  three third(three);
  initial #1 $display("one\n%0s\n%0s", two, three);
endmodule
