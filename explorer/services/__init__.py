"""Where models, analyses and files meet: everything the page and the endpoints are made of."""
