"""Files at addresses: downloaded so that they can be resumed, or read from a folder at http(s):// or s3://."""
