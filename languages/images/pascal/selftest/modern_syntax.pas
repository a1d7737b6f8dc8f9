{$mode delphi}
uses
  Generics.Collections;
var
  words: TList<string>;
  word: string;
begin
  words := TList<string>.Create;
  words.Add('modern');
  for word in words do
    writeln(word);
  words.Free;
end.
