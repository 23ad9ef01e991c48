"""Effects become calls to GitHub and to runners; what they bring about is a new event."""
