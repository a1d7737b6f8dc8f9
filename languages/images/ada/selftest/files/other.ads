package Other is
   function Text return String;
end Other;
