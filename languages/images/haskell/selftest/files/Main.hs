import Other (text)

main :: IO ()
main = putStrLn text
