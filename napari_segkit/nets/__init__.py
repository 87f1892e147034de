"""Networks: tensors in, tensors out. They know no files, no pixels beyond 0-1, no person."""
