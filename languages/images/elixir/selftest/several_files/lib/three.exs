defmodule Lib.Three do
  def text, do: "three"
end
