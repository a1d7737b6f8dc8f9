module main;
  wire [8*17:1] text;

  other source(text);
  initial #1 $display("%0s", text);
endmodule
