(let ((counts (make-hash-table)))
  (loop for letter across "aab" do (incf (gethash letter counts 0)))
  (format t "collections: a=~a b=~a~%" (gethash #\a counts) (gethash #\b counts)))
(format t "bigint: ~a~%" (expt 2 100))
(format t "sort: ~{~a~^ ~}~%" (sort (list "pear" "fig" "apple") #'string<))
(let ((threads (loop for number from 1 to 4
                     collect (let ((own number)) (sb-thread:make-thread (lambda () own))))))
  (format t "threads: ~a~%" (reduce #'+ (mapcar #'sb-thread:join-thread threads))))
