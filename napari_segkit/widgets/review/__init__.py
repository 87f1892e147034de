"""The dock that goes through a folder of images, and the session behind it."""
