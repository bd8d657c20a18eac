"""Makes the parts of a release: wheel, chart, CRDs, JSON schemas, SBOM and their checksums, in dist/."""
