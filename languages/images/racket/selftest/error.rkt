#lang racket

(undeclared 1)
