module main;
  reg [8*80:1] line;
  integer length;

  initial begin
    $display("żółć, 中文 🚀");
    length = $fgets(line, 'h8000_0000);
    $write("%0s", line);
  end
endmodule
