from dataclasses import dataclass, field
from itertools import batched

type Words = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found[T]:
    of: T
    rest: Words = field(default_factory=list)


def last[T](items: list[T]) -> T:
    return items[-1]


match {"kind": "word", "parts": ["mod", "er", "n"]}:
    case {"kind": "word", "parts": [first, *others]} if (count := len(others)) == 2:
        found = Found(of=first, rest=others)
try:
    raise ExceptionGroup("several", [ValueError(last(found.rest))])
except* ValueError as group:
    end = str(group.exceptions[0])
with (open("main.py") as source, open("main.py") as same):
    assert source.readline() == same.readline()
assert list(batched("abc", 2)) == [("a", "b"), ("c",)]
print(f"{found.of}{"".join(found.rest[:-1])}{end}")
