defmodule Series do
  def numbers(0, _, list), do: list

  def numbers(count, x, list) do
    next = rem(x * 1_103_515_245 + 12345, 2_147_483_648)
    numbers(count - 1, next, [next | list])
  end
end

sorted = Series.numbers(1_000_000, 42, []) |> Enum.sort() |> List.to_tuple()
IO.puts("#{elem(sorted, 0)} #{elem(sorted, 500_000)} #{elem(sorted, 999_999)}")
