let text = String.lowercase_ascii Zeta.upper
