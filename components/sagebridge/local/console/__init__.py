"""The console: a page for people at the server's address."""
