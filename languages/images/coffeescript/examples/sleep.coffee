number = 0
show = ->
  number += 1
  console.log number
  clearInterval timer if number is 5
timer = setInterval show, 400
