"""assay.corpus has no twin: its names raise assay.NoTwin."""
