main :: IO ()
main = do
  putStrLn "żółć, 中文 🚀"
  getLine >>= putStrLn
