module main;
  initial $display("Hello from Verilog!");
endmodule
