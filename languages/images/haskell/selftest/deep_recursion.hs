depth :: Int -> Int
depth 0 = 0
depth left = 1 + depth (left - 1)

main :: IO ()
main = print (depth 200000)
