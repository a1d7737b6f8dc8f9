say shout("ada")
exit

shout: procedure
  parse arg name
  return translate(nmae) + 1
