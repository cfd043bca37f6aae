"""Data: from raw or drawn pictures to what training reads."""
