"""A page about a model and labelled data: `gather` counts, `svg` draws, `page` writes HTML."""
