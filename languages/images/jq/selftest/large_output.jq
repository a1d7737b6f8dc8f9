range(250000) | "y"
