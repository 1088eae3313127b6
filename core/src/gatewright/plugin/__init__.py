"""The seam between the core and its plugins: specs, protocols, factories, loading, hosting."""
