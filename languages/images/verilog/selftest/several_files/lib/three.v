module three(output [8*5:1] text);
  assign text = `THREE;
endmodule
