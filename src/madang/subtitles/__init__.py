"""From recognised words to caption lines: segmentation, lint, the caption document and its exports."""
