"""The run: references opened at a site, guests, units of work, records of what came out."""
