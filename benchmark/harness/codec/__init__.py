"""What is specific to codecs: put a simplification into a reference, compare, count."""
