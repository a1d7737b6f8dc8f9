a = 1
say a
say a + "no number"
