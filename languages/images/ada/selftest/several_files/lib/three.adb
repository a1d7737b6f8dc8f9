function Three return String is
begin
   return "three";
end Three;
