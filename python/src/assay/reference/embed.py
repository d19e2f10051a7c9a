"""assay.embed has no twin: its names raise assay.NoTwin."""
