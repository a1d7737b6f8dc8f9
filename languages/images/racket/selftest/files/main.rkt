#lang racket

(require "other.rkt")

(displayln (text))
