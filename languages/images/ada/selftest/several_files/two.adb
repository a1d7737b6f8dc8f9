function Two return String is
begin
   return "two";
end Two;
