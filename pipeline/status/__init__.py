"""The verb `status`: what a lake holds, what is stale, and the next command; and lists of what can be used."""
