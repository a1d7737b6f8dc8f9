program Libraries;
{$mode objfpc}{$H+}
uses
  {$ifdef unix}cthreads,{$endif} Classes, SysUtils, DateUtils, RegExpr, fpjson, jsonparser;
var
  Pattern: TRegExpr;
  Fruit: TStringList;
  Json: TJSONData;
begin
  Pattern := TRegExpr.Create('(\d{4})-(\d{2})');
  Pattern.Exec('on 2024-03-01');
  WriteLn('regex: ', Pattern.Match[1], ' ', Pattern.Match[2]);
  Json := GetJSON('{"list": [1, 2, 3]}');
  WriteLn('json: ', TJSONObject(Json).Arrays['list'].FormatJSON([foSingleLineArray, foSkipWhiteSpace]));
  Fruit := TStringList.Create;
  Fruit.AddStrings(['pear', 'fig', 'apple']);
  Fruit.Sort;
  WriteLn('sort: ', Fruit[0], ' ', Fruit[1], ' ', Fruit[2]);
  WriteLn('date: ', FormatDateTime('yyyy-mm-dd', IncDay(EncodeDate(2024, 2, 28), 2)));
end.
