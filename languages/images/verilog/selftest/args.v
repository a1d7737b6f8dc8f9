module main;
  reg [8*20:1] name;

  initial
    if ($value$plusargs("name=%s", name) && $test$plusargs("quiet"))
      $display("%0s", name);
endmodule
