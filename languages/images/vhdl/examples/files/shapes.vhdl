package shapes is
  function squared(side : integer) return integer;
end package;

package body shapes is
  function squared(side : integer) return integer is
  begin
    return side * side;
  end function;
end package body;
