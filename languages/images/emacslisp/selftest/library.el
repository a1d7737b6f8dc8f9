(require 'json)

(let ((counts (make-hash-table)))
  (seq-doseq (letter "aab")
    (puthash letter (1+ (gethash letter counts 0)) counts))
  (princ (format "collections: a=%d b=%d\n" (gethash ?a counts) (gethash ?b counts))))
(let ((text "on 2024-03-01"))
  (string-match "\\([0-9]+\\)-\\([0-9]+\\)" text)
  (princ (format "regex: %s %s\n" (match-string 1 text) (match-string 2 text))))
(princ (format "json: %s\n" (json-encode (alist-get 'list (json-read-from-string "{\"list\": [1, 2, 3]}")))))
(princ (format "bigint: %d\n" (expt 2 100)))
(princ (format "sort: %s\n" (string-join (sort '("pear" "fig" "apple") #'string<) " ")))
(princ (format "date: %s\n" (format-time-string "%Y-%m-%d" (encode-time (list 0 0 12 (+ 28 2) 2 2024 nil nil t)) t)))
(defvar total 0)
(progn
  (mapc #'thread-join
        (mapcar (lambda (number) (make-thread (eval `(lambda () (setq total (+ total ,number))) nil))) '(1 2 3 4)))
  (princ (format "threads: %d\n" total)))
