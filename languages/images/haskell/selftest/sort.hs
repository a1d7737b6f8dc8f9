import Data.List (sort)

main :: IO ()
main = do
  let numbers = take 1000000 (tail (iterate next 42)) :: [Int]
      next x = (x * 1103515245 + 12345) `mod` 2147483648
      sorted = sort numbers
  putStrLn (unwords (map show [head sorted, sorted !! 500000, last sorted]))
