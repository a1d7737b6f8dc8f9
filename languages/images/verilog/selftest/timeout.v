module main;
  initial begin
    $display("started");
    forever;
  end
endmodule
