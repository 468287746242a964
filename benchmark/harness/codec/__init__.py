"""The codec track: put a codec into a reference, compare the two, count."""
