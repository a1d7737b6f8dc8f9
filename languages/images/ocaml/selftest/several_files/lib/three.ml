let text = "three"
