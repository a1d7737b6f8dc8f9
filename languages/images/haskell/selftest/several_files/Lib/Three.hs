{-# LANGUAGE CPP #-}
module Lib.Three (three) where

three :: String
three = THREE
