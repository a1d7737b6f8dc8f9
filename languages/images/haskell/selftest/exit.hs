import System.Exit (ExitCode (ExitFailure), exitWith)

main :: IO ()
main = putStrLn "leaving" >> exitWith (ExitFailure 7)
