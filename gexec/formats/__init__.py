"""How Django writes times where nobody says how: on pages of its own and of other packages in the admin."""
