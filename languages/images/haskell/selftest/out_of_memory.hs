import qualified Data.Map as Map

grow :: Map.Map Int Int -> Int -> Int
grow kept n = if Map.size kept < 0 then n else grow (Map.insert n n kept) (n + 1)

main :: IO ()
main = print (grow Map.empty 0)
