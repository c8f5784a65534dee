# docker build -t weakfield .
# docker run --rm -v "$PWD:/work" --user "$(id -u)" weakfield run demo --grid 16 --pairs 10
FROM python:3.11-slim
# for PyTorch without CUDA, which is smaller: --build-arg PIP_FLAGS="--extra-index-url INDEX_OF_CPU_BUILDS"
ARG PIP_FLAGS=""
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir ${PIP_FLAGS} -c constraints.txt ".[all]"
ENV HOME=/tmp
WORKDIR /work
USER nobody
ENTRYPOINT ["weakfield"]
CMD ["--help"]
