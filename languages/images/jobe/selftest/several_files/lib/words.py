THREE = "three"
