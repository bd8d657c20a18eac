"""The pictures of the documentation, made from a run: what a terminal shows, and the dashboard with that run's metrics."""
