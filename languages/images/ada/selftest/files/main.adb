with Ada.Text_IO;
with Other;

procedure Main is
begin
   Ada.Text_IO.Put_Line (Other.Text);
end Main;
