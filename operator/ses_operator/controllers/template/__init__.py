"""The controller of SesVerificationTemplates."""
