{ In front of every program's own units: a line is out when it is complete, so that a time-out does not swallow it. }
unit GexecLines;

interface

implementation

procedure LineBuffered(var Stream: TextRec);
type
  TWrite = procedure(var Stream: TextRec);
begin
  if (Stream.BufPos > 0) and (Stream.BufPtr^[Stream.BufPos - 1] = #10) then
    TWrite(Stream.InOutFunc)(Stream);
end;

initialization
  TextRec(Output).FlushFunc := @LineBuffered;
end.
