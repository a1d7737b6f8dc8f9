#lang racket

(displayln "żółć, 中文 🚀")
(displayln (read-line))
