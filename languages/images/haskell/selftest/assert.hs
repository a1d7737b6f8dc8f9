import Control.Exception (assert)

main :: IO ()
main = do
  putStrLn "before"
  print (assert (length "ab" == 3) "after")
