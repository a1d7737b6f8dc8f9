(local other (require :other))

(print (other.text))
