return "three"
