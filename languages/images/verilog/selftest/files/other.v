module other(output [8*17:1] text);
  assign text = "from another file";
endmodule
