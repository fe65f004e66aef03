"""The search stage: walks through a search space by live or by stored scores."""
