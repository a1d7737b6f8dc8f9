import other
print text$()
