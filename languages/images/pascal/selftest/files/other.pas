unit Other;

interface

function Text: string;

implementation

function Text: string;
begin
  Text := 'from another file';
end;

end.
