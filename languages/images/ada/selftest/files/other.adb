package body Other is
   function Text return String is ("from another file");
end Other;
