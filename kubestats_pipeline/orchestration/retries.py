"""How often Dagster repeats a failed step, and after how long.

A failed repository is not a failed step: it is a row with its next attempt, as `sync/retries.py` says.
"""

import dagster as dg

STEP_RETRIES = dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Three more attempts after about 1, 2 and 4 minutes. Runs that somebody waits for have none."""
