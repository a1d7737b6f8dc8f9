-- The program's module has a name of its own.
module Greeting where

main :: IO ()
main = putStrLn "right"
