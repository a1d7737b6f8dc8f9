module main;
  initial
    undeclared(1);
endmodule
