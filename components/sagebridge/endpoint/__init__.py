"""What an endpoint is made from: arguments, what is checked of them, and what they become."""
