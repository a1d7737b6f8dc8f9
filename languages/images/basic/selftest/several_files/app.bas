import two
import three
print "one"
print two$()
print three$()
