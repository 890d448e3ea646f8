"""Why a program does not learn: watched as it is, tested before it is judged by symptoms, and blamed by intervention."""
