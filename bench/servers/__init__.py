"""What the gateway is measured against: broadcast servers as one would write them by hand."""
