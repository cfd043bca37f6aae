"""What every test shares."""

from hypothesis import settings

# A busy machine is slow at times; a property that hangs is stopped by pytest's own time limit.
settings.register_profile("danqing", deadline=None)
settings.load_profile("danqing")
