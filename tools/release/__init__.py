"""Makes what a release consists of: wheel, chart, CRDs, JSON schemas, SBOM and their checksums, in dist/."""
