"""The benchmark database of neural architecture search: ground truth in, scores stored, rank correlation out."""
