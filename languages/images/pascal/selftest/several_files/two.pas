unit Two;

interface

function TextOfTwo: string;

implementation

function TextOfTwo: string;
begin
  TextOfTwo := 'two';
end;

end.
