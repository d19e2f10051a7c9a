"""assay.claims has no twin: its names raise assay.NoTwin."""
