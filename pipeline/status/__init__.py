"""The verb `status`: what a lake holds, what is stale, and what to type next; and lists of what there is to use."""
