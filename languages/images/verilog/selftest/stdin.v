module main;
  integer character;

  initial begin
    character = $fgetc('h8000_0000);
    while (character >= 0) begin
      $write("%c", character[7:0]);
      character = $fgetc('h8000_0000);
    end
  end
endmodule
