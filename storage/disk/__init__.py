"""The engine on files: `engine` ties together `log`, `segment`, `index`, `recovery`; all file access is in `files`."""
