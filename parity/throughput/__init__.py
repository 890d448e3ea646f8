"""How fast a contender trains; measured only where the ladder held."""
