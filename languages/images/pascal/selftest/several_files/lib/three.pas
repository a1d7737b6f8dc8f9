unit Three;

interface

function TextOfThree: string;

implementation

function TextOfThree: string;
begin
  TextOfThree := 'three';
end;

end.
