# simplibench on a CPU. Not built yet: we had no Docker daemon.
#
#   docker build --tag simplibench .
#   docker run --rm --network none --volume "$PWD/results:/simplibench/results" simplibench run svd --seed 0 --limit 100
FROM python:3.11-slim

# The CPU build of torch, which is much smaller than the one with CUDA.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

RUN useradd --create-home --uid 1000 simplibench
WORKDIR /simplibench
COPY --chown=simplibench . .
RUN pip install --constraint constraints.txt --editable '.[baselines,page]' && chown simplibench .

USER simplibench
ENTRYPOINT ["simplibench"]
CMD ["--help"]
