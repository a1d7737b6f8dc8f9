#lang racket

(require json racket/date)

(define counts (for/fold ([counts (hash)]) ([letter "aab"]) (hash-update counts letter add1 0)))
(printf "collections: a=~a b=~a\n" (hash-ref counts #\a) (hash-ref counts #\b))
(match-define (list _ year month) (regexp-match #px"(\\d{4})-(\\d{2})" "on 2024-03-01"))
(printf "regex: ~a ~a\n" year month)
(printf "json: ~a\n" (jsexpr->string (hash-ref (string->jsexpr "{\"list\": [1, 2, 3]}") 'list)))
(printf "bigint: ~a\n" (expt 2 100))
(printf "sort: ~a\n" (string-join (sort '("pear" "fig" "apple") string<?)))
(date-display-format 'iso-8601)
(printf "date: ~a\n" (date->string (seconds->date (+ (* 2 86400) (find-seconds 0 0 12 28 2 2024)))))
(define channel (make-channel))
(for ([number '(1 2 3 4)]) (thread (lambda () (channel-put channel number))))
(printf "threads: ~a\n" (for/sum ([_ 4]) (channel-get channel)))
