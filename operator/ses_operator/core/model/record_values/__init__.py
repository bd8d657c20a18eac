"""What the texts of records say: SPF, DMARC, DKIM keys, and how DNS writes a text."""
