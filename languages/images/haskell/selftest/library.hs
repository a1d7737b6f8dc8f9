import Control.Concurrent (forkIO)
import Control.Concurrent.MVar (newEmptyMVar, putMVar, takeMVar)
import Data.List (sort)
import qualified Data.Map.Strict as Map
import Data.Time (addDays, fromGregorian)
import Text.Regex.TDFA ((=~))

main :: IO ()
main = do
  let counts = Map.fromListWith (+) [(letter, 1 :: Int) | letter <- "aab"]
  putStrLn ("collections: a=" ++ show (counts Map.! 'a') ++ " b=" ++ show (counts Map.! 'b'))
  let [[_, year, month]] = "on 2024-03-01" =~ "([0-9]{4})-([0-9]{2})" :: [[String]]
  putStrLn ("regex: " ++ year ++ " " ++ month)
  putStrLn ("bigint: " ++ show (2 ^ (100 :: Int) :: Integer))
  putStrLn ("sort: " ++ unwords (sort ["pear", "fig", "apple"]))
  putStrLn ("date: " ++ show (addDays 2 (fromGregorian 2024 2 28)))
  parts <- mapM (\number -> do { box <- newEmptyMVar; _ <- forkIO (putMVar box number); return box }) [1 .. 4 :: Int]
  total <- sum <$> mapM takeMVar parts
  putStrLn ("threads: " ++ show total)
