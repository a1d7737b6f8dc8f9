#lang racket

(provide text)

(define (text) "from another file")
