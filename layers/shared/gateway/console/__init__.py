"""The console: pages for people, made of what the API answers to their session."""
