"""What the product is measured against; each module is one process that listens on `--port`."""
