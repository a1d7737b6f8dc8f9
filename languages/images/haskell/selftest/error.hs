main :: IO ()
main =
  putStrLn undeclared
