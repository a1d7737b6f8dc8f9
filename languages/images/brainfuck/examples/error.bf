Counts from nine to zero; the second loop is never closed

++++++++++++++++++++++++++++++++++++++++++++++++ the digit 0
>++++++++++ ten times
[-<+>]<
[
  .-
