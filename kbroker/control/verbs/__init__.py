"""The verbs, a file for each noun: `topics.create` is `create` in `topics.py`. A file is imported at its first use."""
