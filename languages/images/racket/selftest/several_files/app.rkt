#lang racket

(require "two.rkt" "lib/three.rkt")

(displayln "one")
(displayln (two))
(displayln (three))
