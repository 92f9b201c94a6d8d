"""The page and its endpoints; the only place that knows gradio."""
