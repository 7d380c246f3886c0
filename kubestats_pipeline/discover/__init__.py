"""Where repositories come from: the stage that writes `repositories` and `repository_metrics`."""
