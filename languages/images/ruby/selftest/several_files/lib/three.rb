module Lib
  def self.three = "three"
end
