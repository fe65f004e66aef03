"""The report stage: page, figures, comparison of proxies, and the check against an earlier report."""
