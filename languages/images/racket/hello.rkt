#lang racket

(displayln "Hello from Racket!")
