"""What is done to a picture between its file and its encoder."""
