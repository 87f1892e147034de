"""The dock for rings: objects by boxes and clicks."""
