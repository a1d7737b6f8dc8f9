import Lib.Three (three)
import Two (two)

main :: IO ()
main = mapM_ putStrLn ["one", two, three]
