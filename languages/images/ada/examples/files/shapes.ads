package Shapes is
   function Squared (Side : Integer) return Integer is (Side * Side);
end Shapes;
