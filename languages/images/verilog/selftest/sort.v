module main;
  localparam COUNT = 1000000;
  reg [63:0] x;
  reg [31:0] from [0:COUNT-1];
  reg [31:0] to [0:COUNT-1];
  integer places [0:2047];
  integer i, pass, digit, sum, here;

  // By eleven bits at a time.
  initial begin
    x = 42;
    for (i = 0; i < COUNT; i = i + 1) begin
      x = (x * 1103515245 + 12345) & 64'h7fff_ffff;
      from[i] = x[31:0];
    end
    for (pass = 0; pass < 3; pass = pass + 1) begin
      for (i = 0; i < 2048; i = i + 1) places[i] = 0;
      for (i = 0; i < COUNT; i = i + 1) begin
        digit = (from[i] >> (11 * pass)) & 2047;
        places[digit] = places[digit] + 1;
      end
      sum = 0;
      for (i = 0; i < 2048; i = i + 1) begin
        here = places[i];
        places[i] = sum;
        sum = sum + here;
      end
      for (i = 0; i < COUNT; i = i + 1) begin
        digit = (from[i] >> (11 * pass)) & 2047;
        to[places[digit]] = from[i];
        places[digit] = places[digit] + 1;
      end
      for (i = 0; i < COUNT; i = i + 1) from[i] = to[i];
    end
    $display("%0d %0d %0d", from[0], from[500000], from[COUNT-1]);
  end
endmodule
