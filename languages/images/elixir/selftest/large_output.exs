IO.write(String.duplicate("y", 500_000))
System.halt(0)
