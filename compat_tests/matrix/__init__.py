"""What one client wrote, read by each other one."""
