printf '%.0sy' {1..500000}
exit
