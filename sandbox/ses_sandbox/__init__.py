"""ses-sandbox: Amazon SES as it behaves, beside moto for all other AWS services. Knows nothing of the operator."""
