import qualified Control.Concurrent.Async as Async
import Data.Function.Memoize (memoFix)
import qualified Data.HashMap.Strict as HashMap
import Data.List.Split (splitOn)
import GHC.IO.Handle (hDuplicateTo)
import System.IO (hFlush, stderr, stdout)
import System.Random (mkStdGen, randomRs)
import Test.Hspec
import Test.QuickCheck

main :: IO ()
main = do
  let dice = take 100 (randomRs (1, 6 :: Int) (mkStdGen 42))
  putStrLn ("random: " ++ show (all (\each -> each >= 1 && each <= 6) dice))
  putStrLn ("split: " ++ unwords (splitOn "," "a,b,c"))
  checked <- quickCheckWithResult stdArgs {chatty = False} (\list -> reverse (reverse list) == (list :: [Int]))
  putStrLn ("quickcheck: " ++ show (numTests checked))
  putStrLn ("hashmap: " ++ show (HashMap.lookup "b" (HashMap.fromList [("a", 1 :: Int), ("b", 2)])))
  let fibonacci = memoFix (\again n -> if n < 2 then n else again (n - 1) + again (n - 2)) :: Integer -> Integer
  putStrLn ("memoize: " ++ show (fibonacci 90))
  found <- Async.mapConcurrently (pure . (* 2)) [1 .. 3 :: Int]
  putStrLn ("async: " ++ show found)
  -- It tells how long it took, too; a test that fails ends the program with 1.
  hFlush stdout >> hDuplicateTo stderr stdout
  hspec $ describe "addition" $ it "is commutative" $ property $ \a b -> a + b == (b + a :: Int)
