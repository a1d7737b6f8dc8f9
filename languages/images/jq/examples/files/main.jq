include "shapes";

"4 squared is \(4 | squared)"
