import System.IO (BufferMode (LineBuffering), hSetBuffering, stdout)

main :: IO ()
main = do
  hSetBuffering stdout LineBuffering
  putStrLn "started"
  mapM_ (\n -> if n < 0 then print n else return ()) [0 :: Integer ..]
