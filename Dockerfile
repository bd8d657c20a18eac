# The image of the operator. To build it: docker build -t ses-operator .
#
# Any base serves that has Python 3.11 with its venv module, the one version that requirements/ is locked for; both stages
# must have it at the same path.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
ENV UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never

COPY requirements/uv.txt requirements/
RUN python3 -m venv /uv \
 && /uv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes -r requirements/uv.txt

# Dependencies before the sources: they change less often.
COPY requirements/ requirements/
RUN /uv/bin/uv venv --python python3 /opt/ses-operator \
 && /uv/bin/uv pip install --python /opt/ses-operator --require-hashes -r requirements/runtime.txt

COPY pyproject.toml README.md LICENSE ./
COPY operator/ operator/
# What builds the wheel is pinned by hash, too, and stays behind in this stage. The last line compiles what the operator
# imports, and nothing else of the packages it comes with: the root file system is read-only when it runs.
RUN /uv/bin/uv build --python python3 --wheel --require-hashes --build-constraints requirements/dev.txt --out-dir /dist \
 && /uv/bin/uv pip install --python /opt/ses-operator --no-deps /dist/*.whl \
 && /opt/ses-operator/bin/ses-operator run --help > /dev/null

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="ses-operator" \
      org.opencontainers.image.description="Takes Amazon SES identities from one YAML file to verified in every region, and keeps them so" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/ses-operator /opt/ses-operator
# The user is not in /etc/passwd, and libraries ask for its home.
ENV PATH=/opt/ses-operator/bin:$PATH HOME=/
# A number, for Kubernetes cannot tell that a name is not root.
USER 65532:65532
ENTRYPOINT ["ses-operator"]
CMD ["run"]
