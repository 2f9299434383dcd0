"""How the program ends: exit codes, output streams, and errors that nobody foresaw."""
