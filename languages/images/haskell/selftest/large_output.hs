import System.Exit (exitSuccess)

main :: IO ()
main = do
  putStr (replicate 500000 'y')
  exitSuccess
