"""Methods of the literature and controls, each a submission like any other. A file here is found by its name."""
