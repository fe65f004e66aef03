"""What a CUDA card does with this package; see `__main__`."""
