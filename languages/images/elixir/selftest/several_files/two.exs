defmodule Two do
  def text, do: "two"
end
