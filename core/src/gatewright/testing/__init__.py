"""What tests run against: real brokers, and faults on the way to them.

Private until the kit for authors of plugins: nothing here is a promise yet.
"""
