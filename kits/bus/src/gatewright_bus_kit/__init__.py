"""What every bus between gatewright's nodes needs: messages as bytes, counts, canary."""
