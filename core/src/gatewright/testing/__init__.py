"""The kit for authors of plugins: suites of rules, gateways in a test, servers, and faults."""
