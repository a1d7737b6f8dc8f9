shout = (text) ->
  text.toUpperCase()

console.log shout "ada"

console.log shout undefined.name
