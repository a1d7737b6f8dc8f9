module Two (two) where

two :: String
two = "two"
