#lang racket

(for ([argument (current-command-line-arguments)])
  (displayln argument))
