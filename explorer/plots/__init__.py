"""How things are drawn: colours, pictures for the browser, what the page's canvases are sent. Knows no torch."""
