"""Names for numpy arrays by the type of their elements; each name has one meaning in the whole package."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]  # of any precision
Integers = npt.NDArray[np.integer]  # of any width, signed or not
Bools = npt.NDArray[np.bool_]
