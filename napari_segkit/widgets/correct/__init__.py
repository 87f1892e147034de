"""The dock that corrects a mask: instances, tools, prompts, classes."""
