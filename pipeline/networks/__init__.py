"""Networks and layers that more than one benchmark or proxy uses."""
