"""What a command ends with."""

EXIT_STATUS = {"equivalent": 0, "different": 1, "inconclusive": 3, "diverged": 3}
