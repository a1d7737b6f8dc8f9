module main;
  initial begin
    $display("started");
    $write("half a line");
    forever;
  end
endmodule
