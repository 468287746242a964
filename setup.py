"""Install the folders `benchmark` and `baselines` as one package: nothing but `simplibench` is importable of ours."""

from setuptools import find_packages, setup

setup(
    packages=["simplibench", *(f"simplibench.{name}" for name in find_packages("benchmark")), "simplibench.baselines"],
    package_dir={"simplibench": "benchmark", "simplibench.baselines": "baselines"},
)
