# Says a name in capitals.
def shout: .name | ascii_upcase;

{name: "ada"} | shout,
# There is no such function.
shouted
