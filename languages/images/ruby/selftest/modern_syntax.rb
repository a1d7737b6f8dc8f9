Point = Data.define(:x, :y)

def twice(number) = number * 2

case { kind: "word", parts: ["mod", "ern"], at: Point.new(x: 1, y: 2) }
in { kind: "word", parts: [first, *rest], at: { x:, y: Integer => y } } if y == twice(x)
  word = [first, *rest].then { _1.join }
end
kind = "word"
puts(({ kind: } in { kind: String }) ? word : "no")
