"""Raw requests on a socket: what clients we do not run here are known to send."""
