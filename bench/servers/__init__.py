"""What is measured: the gateway, and broadcast servers as one would write them by hand."""
