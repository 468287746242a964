"""What each command does, one file a command; cli.py only names them and their options."""
