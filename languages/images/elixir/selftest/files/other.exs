defmodule Other do
  def text, do: "from another file"
end
