"""The command line: argument, call, print; nothing else happens here."""
