local function shout(person)
  return person.name:upper()
end

print(shout({ name = "Ada" }))
print(shout({ name = "Alan" }) .. nil)
