"""A trained network that is kept: saved, loaded, evaluated, differentiated and exported."""
