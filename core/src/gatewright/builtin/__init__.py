"""The built-in backends: what the gateway does when nothing else is installed or chosen."""
