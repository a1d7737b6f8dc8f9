defmodule Deep do
  def depth(0), do: 0
  def depth(left), do: 1 + depth(left - 1)
end

IO.puts(Deep.depth(200_000))
