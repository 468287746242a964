"""`python -m simplibench.cli`"""

from simplibench.cli import main

main()
