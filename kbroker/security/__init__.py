"""Who may do what: authentication and authorization. The rules themselves lie in the catalog."""
