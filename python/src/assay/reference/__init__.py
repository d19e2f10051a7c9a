"""Readable Python twins of what the extension module does: its fallback, its oracle in tests, its baseline in speed.

Plain Python throughout; assay.reference.vector uses NumPy, since its values come and go as arrays.
"""
